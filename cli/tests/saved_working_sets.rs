//! `psapi ws` with saved files, differences, pages and modules.
//!
//! The tests compare live output with saved output, and rows with totals. They repeat the
//! comparisons with the kernel interfaces of older kernels.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use testing::command::{Started, json, lists_pages, psapi, run, stderr, stdout, text};
#[cfg(target_os = "linux")]
use testing::interfaces::selected;
use testing::wait_until;

const MIB: u64 = 1 << 20;

/// The reason for a file that does not exist.
const ABSENT: &str = if cfg!(windows) {
    "file not found"
} else {
    "no such file"
};

/// The least part of memory that a test writes to, and that psapi finds in the working set. The
/// stand-in for Wine cannot see which pages were written to, and leaves out each fourth.
fn resident(bytes: u64) -> u64 {
    if cfg!(windows) { bytes / 4 * 3 } else { bytes }
}

/// Returns values of `PSAPI_DISABLE`: one for the newest interfaces, and one for the older ones.
#[cfg(target_os = "linux")]
fn interfaces() -> Vec<&'static str> {
    selected(["", "pagemap_scan,procmap_query"])
}

/// Windows has one interface.
#[cfg(windows)]
fn interfaces() -> Vec<&'static str> {
    vec![""]
}

/// Runs psapi without some interfaces.
fn run_without<A: AsRef<OsStr>>(disabled: &str, arguments: impl IntoIterator<Item = A>) -> Output {
    let mut command = psapi();
    command.env("PSAPI_DISABLE", disabled).args(arguments);
    command.output().expect("start psapi")
}

/// Like [`run_without`], and parses the output.
fn json_without<A: AsRef<OsStr>>(disabled: &str, arguments: impl IntoIterator<Item = A>) -> Value {
    let output = run_without(disabled, arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("the output is JSON")
}

fn own_id() -> String {
    std::process::id().to_string()
}

fn bytes(row: &Value, field: &str) -> u64 {
    row[field]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {field} in {row}"))
}

fn rows<'v>(document: &'v Value, key: &str) -> &'v [Value] {
    document[key].as_array().expect("a list of rows")
}

/// Removes the figures that depend on other processes with the same libraries.
fn without_shares(mut document: Value) -> Value {
    for row in document["working_sets"]
        .as_array_mut()
        .expect("a list of rows")
    {
        let row = row.as_object_mut().expect("each row is an object");
        row.retain(|field, _| !field.starts_with("mapped_") && field != "shared_bytes");
    }
    document
}

#[test]
fn saved_file_matches_live_output() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("saved.psws");
    let file = file.to_str().unwrap();
    let mut outputs = Vec::new();
    for disabled in interfaces() {
        let output = run_without(disabled, ["ws", &child.pid(), "-o", file]);
        assert!(output.status.success(), "{output:?}");
        assert!(output.stdout.is_empty());
        let saved = json(["ws", "--json", "--from", file]);
        let live = json_without(disabled, ["ws", "--json", &child.pid()]);
        assert_eq!(without_shares(saved), without_shares(live.clone()));
        outputs.push(without_shares(live));
        // The file also equals live pages that psapi reads through the other interface.
        for other in interfaces() {
            let arguments = ["ws", &child.pid(), "--json", "--against", file];
            let difference = json_without(other, arguments);
            let total = rows(&difference, "differences").last().unwrap();
            assert_eq!(total["kind"], "total");
            for field in ["added_bytes", "removed_bytes", "changed_bytes"] {
                assert_eq!(bytes(total, field), 0, "{field} {disabled} {other}");
            }
        }
    }
    let first = outputs.remove(0);
    for other in outputs {
        #[cfg(target_os = "linux")]
        if !testing::privilege::is_root() {
            testing::skip("needs root to recognize zero pages without PAGEMAP_SCAN");
            continue;
        }
        assert_eq!(first, other);
    }
    let piped = stdout(["ws", &child.pid(), "-o", "-"]);
    assert!(piped.starts_with(b"\x89PSWS"));
}

#[test]
fn touched_pages_are_added() {
    if !lists_pages() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("before");
    for disabled in interfaces() {
        let saved = run_without(
            disabled,
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
        let arguments = |option: &'static str| {
            let mut all = vec![
                "ws".to_owned(),
                own_id(),
                "--json".into(),
                "--against".into(),
            ];
            all.push(file.to_str().unwrap().into());
            all.extend((!option.is_empty()).then(|| option.to_owned()));
            all
        };
        let difference = json_without(disabled, arguments(""));
        let (total, mappings) = rows(&difference, "differences").split_last().unwrap();
        assert!(bytes(total, "added_private_bytes") >= resident(32 * MIB));
        let growth = total["resident_growth_bytes"].as_i64().unwrap();
        let (before, after) = (
            bytes(total, "resident_before_bytes"),
            bytes(total, "resident_bytes"),
        );
        assert_eq!(growth, after as i64 - before as i64);
        let largest = mappings.iter().max_by_key(|row| bytes(row, "added_bytes"));
        let largest = largest.unwrap();
        assert!(
            bytes(largest, "added_bytes") >= resident(32 * MIB),
            "{largest}"
        );
        assert!(["mapped", "grown", "stayed"].contains(&largest["mapping"].as_str().unwrap()));

        let pages = json_without(disabled, arguments("--pages"));
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
        assert!(added >= resident(31 * MIB), "{added}");
        drop(touched);
    }
}

#[test]
fn runs_and_pages_match_totals() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    for disabled in interfaces() {
        let summary = json_without(disabled, ["ws", "--json", &child.pid()]);
        let total = rows(&summary, "working_sets").last().unwrap();
        for option in ["--pages", "--pages=runs", "--pages=each"] {
            let document = json_without(disabled, ["ws", "--json", option, &child.pid()]);
            let is_counted = |row: &&Value| {
                let attributes = row["attributes"].as_array().unwrap();
                let has = |attribute: &str| attributes.contains(&attribute.into());
                has("resident") && !has("zero") && !has("hugetlb")
            };
            let pages = rows(&document, "pages");
            let resident = pages.iter().filter(is_counted);
            let sum: u64 = resident.map(|row| bytes(row, "size_bytes")).sum();
            assert_eq!(sum, bytes(total, "resident_bytes"), "{option}");
            if option == "--pages=each" {
                assert!(pages.iter().all(|row| bytes(row, "pages") == 1));
            }
        }
    }
}

#[test]
fn module_rows_sum_to_total() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let document = json(["ws", "--json", "--modules", &child.pid()]);
    let modules = json(["modules", "--json", &child.pid()]);
    let (total, found) = rows(&document, "working_sets").split_last().unwrap();
    let (no_module, module_rows) = found.split_last().unwrap();
    assert_eq!(no_module["kind"], "no module");
    let names: Vec<_> = module_rows.iter().map(|row| &row["name"]).collect();
    let expected: Vec<_> = rows(&modules, "modules")
        .iter()
        .map(|row| &row["path"])
        .collect();
    assert_eq!(names, expected);
    let sum: u64 = found.iter().map(|row| bytes(row, "resident_bytes")).sum();
    assert_eq!(sum, bytes(total, "resident_bytes"));
    assert!((1..sum).contains(&bytes(no_module, "resident_bytes")));
}

#[test]
fn sorting_keeps_total_last() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let document = json(["ws", "--json", "-s", "-resident,start", &child.pid()]);
    let (total, found) = rows(&document, "working_sets").split_last().unwrap();
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
fn table_omits_empty_columns() {
    if !lists_pages() {
        return;
    }
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
    // The stack of a program for Windows has guard pages.
    let absent = if cfg!(windows) {
        &["BAD", "SWAPPED"][..]
    } else {
        &["HUGETLB", "BAD", "GUARD", "LOCKED"]
    };
    for absent in absent {
        assert!(!heading.contains(absent), "{heading}");
    }
}

#[test]
fn sampling_ends_with_process() {
    if !lists_pages() {
        return;
    }
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
    let mut sampling = psapi()
        .args(["ws", "--json", "-i", "0.05", &child.pid()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .map(Started::adopt)
        .unwrap();
    child.0.kill().unwrap();
    child.0.wait().unwrap();
    let mut status = None;
    wait_until(|| {
        status = sampling.0.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(1));
}

/// Asserts the exit code of a failing run, and a part of its message.
fn assert_fails(arguments: &[&str], code: i32, message: &str) {
    let output = run(arguments);
    let errors = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    assert!(errors.contains(message), "{arguments:?}: {errors}");
}

#[test]
fn invalid_files_are_rejected() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let other = Started::sleeping();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let saved = path("saved");
    assert!(run(["ws", &other.pid(), "-o", &saved]).status.success());
    assert_fails(
        &["ws", &child.pid(), "--against", &saved],
        1,
        "different processes",
    );
    assert_fails(&["ws", "--from", &path("absent")], 1, ABSENT);
    let content = fs::read(&saved).unwrap();
    let write = |name: &str, content: &[u8]| {
        fs::write(path(name), content).unwrap();
        path(name)
    };
    let foreign = write("foreign", b"START,END\n");
    assert_fails(&["ws", "--from", &foreign], 1, "not a saved working set");
    let truncated = write("cut", &content[..content.len() - 1]);
    assert_fails(&["ws", "--from", &truncated], 1, "the file is truncated");
    assert_fails(
        &["ws", &other.pid(), "--against", &truncated],
        1,
        "the file is truncated",
    );
    let mut newer = content;
    newer[8] = 9;
    let newer = write("newer", &newer);
    assert_fails(&["ws", "--from", &newer], 1, "newer version");
}

#[test]
fn failed_write_keeps_old_file() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let pid = child.pid();
    let directory = tempfile::tempdir().unwrap();
    let absent = directory.path().join("none").join("x");
    let absent = absent.to_str().unwrap();
    let message = format!("cannot write {absent}");
    assert_fails(&["ws", &pid, "-o", absent], 1, &message);
    if cfg!(target_os = "linux") {
        assert_fails(
            &["ws", &pid, "-o", "/dev/full"],
            1,
            "cannot write /dev/full",
        );
        assert!(Path::new("/dev/full").exists());
    }
    let file = directory.path().join("kept");
    fs::write(&file, "kept").unwrap();
    let mut exited = Started::sleeping();
    exited.0.kill().unwrap();
    exited.0.wait().unwrap();
    let output = run(["ws", &exited.pid(), "-o", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn usage_errors_exit_2() {
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
    if cfg!(target_os = "linux") {
        let output = run_without("nonsense", ["ps"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("PSAPI_DISABLE"));
    }
}

/// Saves the working set of a child, and returns the path of the file.
fn save(child: &Started, directory: &Path) -> String {
    let file = directory.join("saved").to_str().unwrap().to_owned();
    let output = run(["ws", &child.pid(), "-o", &file]);
    assert!(output.status.success(), "{output:?}");
    file
}

#[test]
fn saved_modules_match_live_modules() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let directory = tempfile::tempdir().unwrap();
    let file = save(&child, directory.path());
    // The size of a module is in its header, which a saved set lacks. Memory without a file that
    // follows a module can therefore count as a part of it.
    let by_address = |document: &Value| {
        let rows = document["working_sets"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["kind"] == "module");
        let mut rows: Vec<[String; 3]> = rows
            .map(|row| ["start_address", "name", "file_bytes"].map(|field| row[field].to_string()))
            .collect();
        rows.sort();
        rows
    };
    let total = |document: &Value| {
        let rows = document["working_sets"].as_array().unwrap();
        let total = rows.iter().find(|row| row["kind"] == "total").unwrap();
        ["resident_bytes", "private_bytes", "file_bytes"].map(|field| total[field].clone())
    };
    let live = json(["ws", "--json", "--modules", &child.pid()]);
    let saved = json(["ws", "--json", "--modules", "--from", &file]);
    assert!(by_address(&live).len() > 3);
    assert_eq!(by_address(&saved), by_address(&live));
    assert_eq!(total(&saved), total(&live));
}

#[test]
fn changes_are_grouped_by_module() {
    if !lists_pages() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("before");
    let file = file.to_str().unwrap();
    let own = own_id();
    let saved = run(["ws", &own, "-o", file]);
    assert!(saved.status.success(), "{saved:?}");
    let touched = vec![1_u8; 32 * MIB as usize];
    for disabled in interfaces() {
        let arguments = ["ws", &own, "--json", "--against", file, "--modules"];
        let document = json_without(disabled, arguments);
        let (total, found) = rows(&document, "differences").split_last().unwrap();
        let (no_module, module_rows) = found.split_last().unwrap();
        assert_eq!(
            (&total["kind"], &no_module["kind"]),
            (&"total".into(), &"no module".into())
        );
        assert!(bytes(no_module, "added_private_bytes") >= resident(32 * MIB));
        let modules = json(["modules", "--json", &own]);
        let paths: Vec<_> = rows(&modules, "modules")
            .iter()
            .map(|row| &row["path"])
            .collect();
        let names: Vec<_> = module_rows.iter().map(|row| &row["name"]).collect();
        assert_eq!(names, paths);
        assert!(
            module_rows.iter().all(|row| row["mapping"] == "stayed"),
            "{document}"
        );
        for field in [
            "resident_bytes",
            "added_bytes",
            "removed_bytes",
            "changed_bytes",
        ] {
            let sum: u64 = found.iter().map(|row| bytes(row, field)).sum();
            assert_eq!(sum, bytes(total, field), "{field}");
        }
    }
    drop(touched);
    let sample = ["ws", "--json", "-m", "-i", "0.01", "--count", "1"];
    let document = json(sample.iter().chain(&[&own[..]]));
    assert_eq!(rows(&document, "differences")[0]["kind"], "module");
}

#[test]
fn pages_are_sorted_and_split() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let pid = child.pid();
    let document = json(["ws", "--json", "--pages", "--sort", "-size,start", &pid]);
    let sizes: Vec<_> = rows(&document, "pages")
        .iter()
        .map(|row| bytes(row, "size_bytes"))
        .collect();
    assert!(
        sizes.is_sorted_by(|a, b| a >= b) && sizes[0] > 4096,
        "{sizes:?}"
    );

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("before");
    let file = file.to_str().unwrap();
    let own = own_id();
    assert!(run(["ws", &own, "-o", file]).status.success());
    let touched = vec![1_u8; 4 * MIB as usize];
    let arguments = [
        "ws",
        &own,
        "--json",
        "--against",
        file,
        "--pages=each",
        "-s",
        "-start",
    ];
    let document = json(arguments);
    let pages = rows(&document, "page_differences");
    assert!(pages.len() as u64 >= resident(4 * MIB) / 4096 - 1);
    assert!(pages.iter().all(|row| bytes(row, "pages") == 1));
    let starts: Vec<_> = pages
        .iter()
        .map(|row| row["start_address"].as_str().unwrap())
        .collect();
    let number = |text: &str| u64::from_str_radix(&text[2..], 16).unwrap();
    assert!(starts.is_sorted_by(|a, b| number(a) >= number(b)));
    drop(touched);

    let by_growth = ["ws", &own, "--json", "--against", file, "-s", "-growth"];
    let document = json(by_growth);
    let (_, found) = rows(&document, "differences").split_last().unwrap();
    let growth = |row: &Value| row["resident_growth_bytes"].as_i64().unwrap();
    assert!(found.is_sorted_by(|a, b| growth(a) >= growth(b)));
}

/// A thread of the test touches memory during the samples.
#[test]
fn samples_start_with_time_and_growth() {
    if !lists_pages() {
        return;
    }
    let done = std::sync::atomic::AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut touched = Vec::new();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                touched.push(vec![1_u8; MIB as usize]);
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        let output = run(["ws", &own_id(), "-i", "0.1", "--count", "3", "--bytes"]);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        output
    });
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let samples: Vec<&str> = text.split("\n\n").collect();
    assert_eq!(samples.len(), 3, "{text}");
    for sample in samples {
        let mut lines = sample.lines();
        let time = lines.next().unwrap();
        let shape: String = time
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert!(shape.starts_with("0000-00-00 00:00:00.000 "), "{sample}");
        let titles: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let column = titles.iter().position(|&title| title == "GROWTH").unwrap();
        let growth = |line: &str| -> i64 {
            let word = line.split_whitespace().nth(column).unwrap();
            word.parse().unwrap()
        };
        let growths: Vec<i64> = lines.map(growth).collect();
        let (total, parts) = growths.split_last().unwrap();
        assert!(parts.is_sorted_by(|a, b| a >= b), "{sample}");
        assert!(parts[0] > 0 && *total > 0, "{sample}");
    }
}

/// Another process with the same program and libraries changes share counts.
#[test]
fn changes_of_shares_are_one_row() {
    if !lists_pages() {
        return;
    }
    let child = Started::sleeping();
    let directory = tempfile::tempdir().unwrap();
    let file = save(&child, directory.path());
    let _others = [Started::sleeping(), Started::sleeping()];
    let document = json(["ws", "--json", "--against", &file, &child.pid()]);
    let (_, found) = rows(&document, "differences").split_last().unwrap();
    let is_only_shares = |row: &&Value| {
        let changed = ["added_bytes", "removed_bytes", "changed_bytes"];
        changed.iter().all(|field| row[field] == 0) && row["only_shares_bytes"].as_u64() > Some(0)
    };
    let count = found.iter().filter(is_only_shares).count();
    let table = text(["ws", "--against", &file, &child.pid()]);
    // Without the privilege to count mappings, there are no such changes.
    let is_folded = |line: &&str| line.contains("only shares: ");
    let folded = table.lines().filter(is_folded).count();
    assert_eq!(folded, usize::from(count > 0), "{table}");
    assert!(
        table.lines().count() <= 2 + 1 + found.len() - count,
        "{table}"
    );
    let all = text(["ws", "--all", "--against", &file, &child.pid()]);
    assert!(!all.contains("only shares"), "{all}");
    assert_eq!(all.lines().count(), 2 + found.len(), "{all}");
}
