//! `psapi empty`, compared with `/proc` or, on Windows, with the rule of the stand-in.

use testing::command::{Started, json, psapi, stderr, text};
#[cfg(target_os = "linux")]
use testing::command::{run, run_unprivileged};
#[cfg(windows)]
use testing::process_report::{Region, regions};

/// Returns the size of a child's working set in bytes.
#[cfg(target_os = "linux")]
fn resident(child: &Started) -> u64 {
    // Before Linux 6.2, the counters of `status` are inexact.
    let found = String::from_utf8(child.proc("smaps_rollup")).unwrap();
    let line = found.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

/// Returns the size of a child's working set in bytes.
#[cfg(windows)]
fn resident(child: &Started) -> u64 {
    regions(child.0.id()).iter().map(Region::resident).sum()
}

/// Returns the size of a child's locked pages, which are all that stays.
#[cfg(windows)]
fn resident_after(child: &Started) -> u64 {
    regions(child.0.id()).iter().map(Region::locked).sum()
}

#[cfg(target_os = "linux")]
fn resident_after(child: &Started) -> u64 {
    resident(child)
}

/// Returns true if the command empties working sets. Skips otherwise.
#[cfg(windows)]
fn is_permitted(_: &Started) -> bool {
    testing::command::empties_working_sets()
}

/// Returns true if the user can empty another process's working set. Skips otherwise.
#[cfg(target_os = "linux")]
fn is_permitted(child: &Started) -> bool {
    let denied = stderr(&run(["empty", &child.pid()])).contains("CAP_SYS_NICE");
    if denied {
        testing::skip("needs CAP_SYS_NICE to empty another process's working set");
    }
    !denied
}

/// Evicted and remaining pages add up to the working set before the call.
#[test]
fn row_accounts_for_every_page() {
    let (one, other) = (Started::sleeping(), Started::sleeping());
    if !is_permitted(&one) {
        return;
    }
    let before = [&one, &other].map(resident);
    let document = json(["empty", "--json", &one.pid(), &other.pid()]);
    let after = [&one, &other].map(resident_after);
    let rows = document["emptied"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for (index, (row, child)) in rows.iter().zip([&one, &other]).enumerate() {
        let figure = |field: &str| row[field].as_u64().expect(field);
        assert_eq!(figure("pid").to_string(), child.pid());
        let name = if cfg!(windows) {
            "subject.exe"
        } else {
            "sleep"
        };
        assert_eq!(row["name"], name);
        assert_eq!(figure("before_bytes"), before[index]);
        assert_eq!(figure("after_bytes"), after[index]);
        let evicted = figure("private_evicted_bytes") + figure("file_evicted_bytes");
        assert_eq!(evicted, before[index] - after[index]);
        let remaining = ["locked", "kernel", "shared", "no_page_file", "other"]
            .map(|reason| figure(&format!("remaining_{reason}_bytes")));
        assert_eq!(remaining.iter().sum::<u64>(), after[index]);
    }
}

#[test]
fn table_has_line_per_process() {
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
fn missing_process_does_not_stop_others() {
    let child = Started::sleeping();
    if !is_permitted(&child) {
        return;
    }
    // The process exits at the end of this statement.
    let exited = Started::sleeping().pid();
    let output = psapi()
        .args(["empty", "--csv", &exited, &child.pid()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&exited));
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table.lines().count(), 2);
    assert!(table.lines().nth(1).unwrap().starts_with(&child.pid()));
}

#[cfg(target_os = "linux")]
#[test]
fn denial_names_capabilities() {
    let output = run_unprivileged(["empty", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let message = stderr(&output);
    assert!(
        message.starts_with("psapi: cannot empty working set of process 1: "),
        "{message}"
    );
    let privileges = "run as root or with CAP_SYS_NICE and CAP_SYS_PTRACE\n";
    assert!(message.ends_with(privileges), "{message}");
}
