//! `psapi ws` with files, differences, pages and modules: against what this test program does with its
//! own memory, and what `/proc` says.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;

use common::support::ways::allowed;
use common::{Started, json, psapi, run, stderr, stdout, text, wait_until};
use serde_json::Value;

const MIB: u64 = 1 << 20;

/// By the interfaces of the newest kernels, and as older ones are asked.
fn ways() -> Vec<&'static str> {
    allowed(["", "pagemap_scan,procmap_query"])
}

fn run_by<A: AsRef<OsStr>>(way: &str, arguments: impl IntoIterator<Item = A>) -> Output {
    let mut command = psapi();
    command.env("PSAPI_WITHOUT", way).args(arguments);
    command.output().expect("psapi starts")
}

fn json_by<A: AsRef<OsStr>>(way: &str, arguments: impl IntoIterator<Item = A>) -> Value {
    let output = run_by(way, arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn own_id() -> String {
    std::process::id().to_string()
}

fn bytes(row: &Value, field: &str) -> u64 {
    row[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} of {row}"))
}

fn rows<'v>(answer: &'v Value, key: &str) -> &'v [Value] {
    answer[key].as_array().expect("rows")
}

/// Without the counts of others, who come and go.
fn without_counts(mut answer: Value) -> Value {
    for row in answer["working_sets"].as_array_mut().expect("rows") {
        let row = row.as_object_mut().expect("an object");
        row.retain(|field, _| !field.starts_with("mapped_") && field != "shared_bytes");
    }
    answer
}

#[test]
fn a_saved_working_set_shows_what_the_process_showed() {
    let child = Started::sleeping();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("saved.psws");
    let file = file.to_str().unwrap();
    let mut seen = Vec::new();
    for way in ways() {
        let output = run_by(way, ["ws", &child.pid(), "-o", file]);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.is_empty());
        let saved = json(["ws", "--json", "--from", file]);
        let live = json_by(way, ["ws", "--json", &child.pid()]);
        assert_eq!(without_counts(saved), without_counts(live.clone()));
        seen.push(without_counts(live));
        // What was saved by one way is compared with the other.
        for other in ways() {
            let arguments = ["ws", &child.pid(), "--json", "--against", file];
            let difference = json_by(other, arguments);
            let total = rows(&difference, "differences").last().unwrap();
            assert_eq!(total["kind"], "total");
            for field in ["added_bytes", "removed_bytes", "changed_bytes"] {
                assert_eq!(bytes(total, field), 0, "{field} {way} {other}");
            }
        }
    }
    let own = seen.remove(0);
    for other in seen {
        if rustix::process::geteuid().is_root() {
            assert_eq!(own, other);
        } else {
            common::skip("only root is told of pages of zeros on older kernels");
        }
    }
    let piped = stdout(["ws", &child.pid(), "-o", "-"]);
    assert!(piped.starts_with(b"\x89PSWS"));
}

#[test]
fn what_was_touched_in_between_was_added() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("before");
    for way in ways() {
        let saved = run_by(
            way,
            [
                OsStr::new("ws"),
                own_id().as_ref(),
                "-o".as_ref(),
                file.as_ref(),
            ],
        );
        assert!(saved.status.success(), "{saved:?}");
        let touched = vec![1_u8; 32 * MIB as usize];
        let start = touched.as_ptr() as u64;
        let arguments = |more: &'static str| {
            let mut all = vec![
                "ws".to_owned(),
                own_id(),
                "--json".into(),
                "--against".into(),
            ];
            all.push(file.to_str().unwrap().into());
            all.extend((!more.is_empty()).then(|| more.to_owned()));
            all
        };
        let difference = json_by(way, arguments(""));
        let (total, mappings) = rows(&difference, "differences").split_last().unwrap();
        assert!(bytes(total, "added_private_bytes") >= 32 * MIB);
        let growth = total["resident_growth_bytes"].as_i64().unwrap();
        let (before, after) = (
            bytes(total, "resident_before_bytes"),
            bytes(total, "resident_bytes"),
        );
        assert_eq!(growth, after as i64 - before as i64);
        let largest = mappings.iter().max_by_key(|row| bytes(row, "added_bytes"));
        let largest = largest.unwrap();
        assert!(bytes(largest, "added_bytes") >= 32 * MIB, "{largest}");
        assert!(["mapped", "grown", "stayed"].contains(&largest["mapping"].as_str().unwrap()));

        let pages = json_by(way, arguments("--pages"));
        let address = |row: &Value, field: &str| {
            u64::from_str_radix(row[field].as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
        };
        let inside = |row: &&Value| {
            let (from, to) = (address(row, "start_address"), address(row, "end_address"));
            from >= start - 4096 && to <= start + touched.len() as u64 + 4096
        };
        let added: u64 = rows(&pages, "page_differences")
            .iter()
            .filter(inside)
            .filter(|row| row["difference"] == "added")
            .map(|row| bytes(row, "size_bytes"))
            .sum();
        assert!(added >= 31 * MIB, "{added}");
        drop(touched);
    }
}

#[test]
fn runs_and_pages_are_those_of_the_totals() {
    let child = Started::sleeping();
    for way in ways() {
        let summary = json_by(way, ["ws", "--json", &child.pid()]);
        let total = rows(&summary, "working_sets").last().unwrap();
        for how in ["--pages", "--pages=runs", "--pages=each"] {
            let answer = json_by(way, ["ws", "--json", how, &child.pid()]);
            let is_counted = |row: &&Value| {
                let attributes = row["attributes"].as_array().unwrap();
                attributes.contains(&"resident".into()) && !attributes.contains(&"zero".into())
            };
            let pages = rows(&answer, "pages");
            let resident = pages.iter().filter(is_counted);
            let sum: u64 = resident.map(|row| bytes(row, "size_bytes")).sum();
            assert_eq!(sum, bytes(total, "resident_bytes"), "{how}");
            if how == "--pages=each" {
                assert!(pages.iter().all(|row| bytes(row, "pages") == 1));
            }
        }
    }
}

#[test]
fn modules_are_shown_with_what_of_them_is_in_memory() {
    let child = Started::sleeping();
    let answer = json(["ws", "--json", "--modules", &child.pid()]);
    let modules = json(["modules", "--json", &child.pid()]);
    let (total, found) = rows(&answer, "working_sets").split_last().unwrap();
    let (rest, modules_found) = found.split_last().unwrap();
    assert_eq!(rest["kind"], "no module");
    let names: Vec<_> = modules_found.iter().map(|row| &row["name"]).collect();
    let expected: Vec<_> = rows(&modules, "modules")
        .iter()
        .map(|row| &row["path"])
        .collect();
    assert_eq!(names, expected);
    let sum: u64 = found.iter().map(|row| bytes(row, "resident_bytes")).sum();
    assert_eq!(sum, bytes(total, "resident_bytes"));
    assert!((1..sum).contains(&bytes(rest, "resident_bytes")));
}

#[test]
fn rows_are_sorted_and_the_total_stays_last() {
    let child = Started::sleeping();
    let answer = json(["ws", "--json", "-s", "-resident,start", &child.pid()]);
    let (total, found) = rows(&answer, "working_sets").split_last().unwrap();
    assert_eq!(total["kind"], "total");
    let sizes: Vec<_> = found
        .iter()
        .map(|row| bytes(row, "resident_bytes"))
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    let output = run(["ws", "-s", "nonsense", &child.pid()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("resident"), "{}", stderr(&output));
}

#[test]
fn a_table_has_no_column_that_says_nothing() {
    let child = Started::sleeping();
    let heading = text(["ws", &child.pid()])
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert!(
        heading.contains("RESIDENT") && heading.contains("FILE"),
        "{heading}"
    );
    for absent in ["HUGETLB", "BAD", "GUARD", "LOCKED"] {
        assert!(!heading.contains(absent), "{heading}");
    }
}

#[test]
fn samples_are_compared_until_the_process_ends() {
    let mut child = Started::sleeping();
    let output = run(["ws", "--json", "-i", "0.05", "--count", "2", &child.pid()]);
    assert!(output.status.success(), "{output:?}");
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert!(line["sample_seconds_since_boot"].is_number());
        assert!(!rows(line, "differences").is_empty());
    }
    let mut watching = psapi()
        .args(["ws", "--json", "-i", "0.05", &child.pid()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .map(Started)
        .unwrap();
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let mut status = None;
    wait_until(|| {
        status = watching.0.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(1));
}

/// Asserts that it fails so, and says so.
fn fails(arguments: &[&str], code: i32, message: &str) {
    let output = run(arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(message), "{arguments:?}: {said}");
}

#[test]
fn files_that_are_no_working_sets_are_refused() {
    let child = Started::sleeping();
    let other = Started::sleeping();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let saved = path("saved");
    assert!(run(["ws", &other.pid(), "-o", &saved]).status.success());
    fails(
        &["ws", &child.pid(), "--against", &saved],
        1,
        "two processes",
    );
    fails(&["ws", "--from", &path("absent")], 1, "No such file");
    let content = fs::read(&saved).unwrap();
    let with = |name: &str, content: &[u8]| {
        fs::write(path(name), content).unwrap();
        path(name)
    };
    let foreign = with("foreign", b"START,END\n");
    fails(
        &["ws", "--from", &foreign],
        1,
        "no snapshot of a working set",
    );
    let cut = with("cut", &content[..content.len() - 1]);
    fails(&["ws", "--from", &cut], 1, "it is cut off");
    fails(&["ws", &other.pid(), "--against", &cut], 1, "it is cut off");
    let mut newer = content;
    newer[8] = 9;
    let newer = with("newer", &newer);
    fails(&["ws", "--from", &newer], 1, "newer version");
}

#[test]
fn a_file_that_can_not_be_written_is_told_and_leaves_the_one_before() {
    let child = Started::sleeping();
    let pid = child.pid();
    fails(&["ws", &pid, "-o", "/dev/full"], 1, "can't write /dev/full");
    fails(
        &["ws", &pid, "-o", "/proc/none/x"],
        1,
        "can't write /proc/none/x",
    );
    assert!(Path::new("/dev/full").exists());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kept");
    fs::write(&file, "kept").unwrap();
    let mut ended = Started::sleeping();
    ended.0.kill().unwrap();
    ended.0.wait().unwrap();
    let output = run(["ws", &ended.pid(), "-o", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn wrong_usage_is_told() {
    for arguments in [
        &["ws"][..],
        &["ws", "1", "--from", "x"],
        &["ws", "--from", "x", "--interval", "1"],
        &["ws", "1", "--against", "x", "--interval", "1"],
        &["ws", "1", "-o", "x", "--pages"],
        &["ws", "1", "-o", "x", "--json"],
        &["ws", "1", "--pages=nonsense"],
        &["ws", "1", "--modules", "--pages"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let output = run_by("nonsense", ["ps"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("PSAPI_WITHOUT"));
}
