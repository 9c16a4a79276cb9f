//! Attribution of faults to mappings, modules, functions, threads, children and programs.

#[cfg(target_os = "linux")]
use std::process::Command;

#[cfg(target_os = "linux")]
use serde_json::Value;

use testing::command::records_faults;
#[cfg(target_os = "linux")]
use testing::command::{output_of_copy, program};
#[cfg(target_os = "linux")]
use testing::programs;

use crate::support::{LISTS, Running, Watched, Watcher, number, rows};
#[cfg(target_os = "linux")]
use crate::support::{assert_pages_balance, faults};

#[test]
fn every_list_has_all_faults() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "churn");
    let report = Watcher::start(&running, &["--duration", "0.2"]).report();
    let all = number(&report["watch"], "faults");
    assert!(all > 0);
    for list in LISTS {
        let faults = rows(&report, list).iter().map(|row| number(row, "faults"));
        assert_eq!(faults.sum::<u64>(), all, "{list}");
    }
    let pid = running.child.id();
    assert!(
        rows(&report, "mappings")
            .iter()
            .all(|row| row["pid"] == pid)
    );
    assert_eq!(rows(&report, "threads").len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn faults_have_mapping_function_and_thread() {
    let watched = Watched::compile();
    let (output, report) = watched.watch(&[], &["touch", "42"]);
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
    assert_eq!(faults(&report, "mappings", "name", "/memfd:arranged"), 370);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 300);
    assert_eq!(faults(&report, "functions", "function", "touch_few"), 70);
    let row = rows(&report, "functions");
    let row = row
        .iter()
        .find(|row| row["function"] == "touch_many")
        .unwrap();
    let line = programs::WATCHED
        .text
        .lines()
        .position(|line| line.contains("void touch_many"))
        .unwrap()
        + 2;
    assert_eq!(
        row["source"],
        format!(
            "{}:{line}",
            watched.path.with_file_name("watched.c").display()
        )
    );
    assert_eq!(row["module"], watched.path.to_str().unwrap());
    assert_eq!(row["inlined_into"], serde_json::json!([]));

    let watch = &report["watch"];
    assert_eq!(watch["process"], "subject");
    let all = number(watch, "faults");
    for list in ["mappings", "modules", "functions", "threads"] {
        let sum = |field| {
            rows(&report, list)
                .iter()
                .map(|row| number(row, field))
                .sum::<u64>()
        };
        assert_eq!(sum("faults"), all, "{list}");
        assert_eq!(sum("minor_faults"), number(watch, "minor_faults"), "{list}");
        assert_eq!(sum("major_faults"), number(watch, "major_faults"), "{list}");
    }
    assert_eq!(rows(&report, "threads").len(), 1);
    assert_eq!(rows(&report, "threads")[0]["name"], "subject");
    // Faults before `execve`, in the copy of psapi that starts the command, are not counted.
    assert_eq!(faults(&report, "modules", "module", "/psapi"), 0);
    // Each faulting instruction is in a known module.
    let modules = rows(&report, "modules");
    assert!(
        modules.iter().all(|row| row["module"].is_string()),
        "{modules:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn threads_have_names() {
    let (_, report) = Watched::compile().watch(&[], &["thread"]);
    assert_eq!(faults(&report, "functions", "function", "touch_few"), 40);
    let threads = rows(&report, "threads");
    assert_eq!(threads.len(), 2);
    let second = threads
        .iter()
        .find(|row| row["thread"] != report["watch"]["pid"])
        .unwrap();
    assert!(number(second, "faults") >= 40);
    // The name is null if the thread exited before psapi could read it.
    assert!(
        ["a\nthread", "subject"]
            .iter()
            .any(|name| second["name"] == *name)
            || second["name"].is_null()
    );
}

/// psapi reads the mappings at intervals. The heap grows and shrinks between two reads.
#[cfg(target_os = "linux")]
#[test]
fn resized_heap_stays_one_mapping() {
    let (_, report) = Watched::compile().watch(&[], &["heap"]);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 1000);
    let on_heap = faults(&report, "mappings", "name", "[heap]");
    assert!(on_heap >= 1000, "{:?}", rows(&report, "mappings"));
}

#[cfg(target_os = "linux")]
#[test]
fn children_are_watched_by_default() {
    let watched = Watched::compile();
    let (_, report) = watched.watch(&["--no-children"], &["fork"]);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 0);
    assert_eq!(number(&report["watch"], "programs"), 1);
    let (_, report) = watched.watch(&[], &["fork"]);
    assert_eq!(number(&report["watch"], "programs"), 2);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 120);
    assert_eq!(faults(&report, "mappings", "name", "/memfd:arranged"), 120);
    let child = rows(&report, "functions")
        .iter()
        .find(|row| row["function"] == "touch_many");
    assert_ne!(child.unwrap()["pid"], report["watch"]["pid"]);
}

/// A copy of a process that executes a program is not a program of its own.
#[cfg(target_os = "linux")]
#[test]
fn summary_counts_programs() {
    let watched = Watched::compile();
    let (_, report) = watched.watch(&[], &["programs"]);
    assert_eq!(number(&report["watch"], "programs"), 4);
    assert_eq!(
        faults(&report, "functions", "function", "touch_many"),
        120 + 300
    );
    let output = output_of_copy(&mut watched.command(&[], &["programs"]));
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| line.starts_with("programs "));
    assert!(line.expect(&text).contains(" 4  "), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn exec_separates_programs() {
    let (output, report) = Watched::compile().watch(&[], &["exec"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 300);
    // The first program faults on 30 pages and the second one on 370. The mapping of the first
    // program is gone if psapi reads the mappings only after `execve`.
    let arranged = faults(&report, "mappings", "name", "/memfd:arranged");
    assert!(arranged == 370 || arranged == 400, "{arranged}");
    // 30 in the first program and 70 in the second one.
    assert_eq!(faults(&report, "functions", "function", "touch_few"), 100);
    assert_pages_balance(&report);
}

#[cfg(target_os = "linux")]
#[test]
fn children_are_watched_in_pid_namespace() {
    let unshared = || {
        let mut command = Command::new("unshare");
        command.args(["-pf", "--mount-proc", "--"]);
        command
    };
    if !unshared()
        .arg("true")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        testing::skip("cannot create a pid namespace");
        return;
    }
    let watched = Watched::compile();
    let mut command = unshared();
    command.arg(program()).args(["watch", "--json", "--"]);
    command.arg(&watched.path).arg("fork");
    let output = output_of_copy(&mut command);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 120);
    assert_pages_balance(&report);
}
