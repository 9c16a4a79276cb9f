//! `psapi empty` against what `/proc` says.

mod common;

use common::{Started, json, psapi, run, run_as_nobody, stderr, text};

/// The working set of a child, in bytes.
fn resident(child: &Started) -> u64 {
    // Before Linux 6.2 the counters of `status` lag behind.
    let found = String::from_utf8(child.proc("smaps_rollup")).unwrap();
    let line = found.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

fn is_permitted(child: &Started) -> bool {
    let refused = stderr(&run(["empty", &child.pid()])).contains("CAP_SYS_NICE");
    if refused {
        common::skip("emptying another process's working set needs CAP_SYS_NICE");
    }
    !refused
}

#[test]
fn a_row_tells_of_each_process_what_left_and_what_stayed() {
    let (one, other) = (Started::sleeping(), Started::sleeping());
    if !is_permitted(&one) {
        return;
    }
    let before = [&one, &other].map(resident);
    let answer = json(["empty", "--json", &one.pid(), &other.pid()]);
    let after = [&one, &other].map(resident);
    let rows = answer["emptied"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for (index, (row, child)) in rows.iter().zip([&one, &other]).enumerate() {
        let figure = |field: &str| row[field].as_u64().expect(field);
        assert_eq!(figure("pid").to_string(), child.pid());
        assert_eq!(row["name"], "sleep");
        assert_eq!(figure("before_bytes"), before[index]);
        assert_eq!(figure("after_bytes"), after[index]);
        let left = figure("private_left_bytes") + figure("file_left_bytes");
        assert_eq!(left, before[index] - after[index]);
        let stayed = ["locked", "kernel", "shared", "no_page_file", "other"]
            .map(|reason| figure(&format!("remaining_{reason}_bytes")));
        assert_eq!(stayed.iter().sum::<u64>(), after[index]);
    }
}

#[test]
fn a_table_has_a_line_a_process() {
    let child = Started::sleeping();
    if !is_permitted(&child) {
        return;
    }
    let table = text(["empty", &child.pid()]);
    let mut lines = table.lines();
    assert!(lines.next().unwrap().contains("NO PAGE FILE"));
    assert!(lines.next().unwrap().trim_start().starts_with(&child.pid()));
}

#[test]
fn a_refusal_is_exit_code_1_and_the_others_are_emptied() {
    let child = Started::sleeping();
    if !is_permitted(&child) {
        return;
    }
    let gone = {
        let child = Started::sleeping();
        child.pid()
    };
    let output = psapi()
        .args(["empty", "--csv", &gone, &child.pid()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&gone));
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table.lines().count(), 2);
    assert!(table.lines().nth(1).unwrap().starts_with(&child.pid()));
}

#[test]
fn who_may_not_is_told_why() {
    let output = run_as_nobody(["empty", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = stderr(&output);
    assert!(
        message.starts_with("psapi: can't empty the working set of process 1: "),
        "{message}"
    );
    assert!(message.contains("CAP_SYS_NICE"), "{message}");
    assert!(message.contains("CAP_SYS_PTRACE"), "{message}");
    // Other processes of the same user are refused, too.
    assert!(
        message.contains("unless it is the caller itself"),
        "{message}"
    );
}
