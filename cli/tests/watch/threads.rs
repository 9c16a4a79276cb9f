//! Watches of commands whose threads call `execve`, start processes, exit and stop.

use testing::command::{output_of_copy, stderr};

use crate::support::{PAGE, Watched, assert_balances, assert_pages_balance, faults, number, rows};

#[test]
fn exec_by_any_thread_is_followed() {
    let (output, report) = Watched::compile().watch(&[], &["exec-in-thread"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 200);
    // The account and the peak are those of the second program.
    assert_pages_balance(&report);
    let arranged = rows(&report, "mappings").iter();
    let arranged = arranged.filter(|row| row["name"] == "/memfd:arranged");
    let resident = arranged.filter_map(|row| row["resident_after_bytes"].as_u64());
    assert_eq!(resident.sum::<u64>(), 250 * PAGE);
    let watch = &report["watch"];
    assert!(number(watch, "came_without_fault_bytes") >= 100 * PAGE);
    assert!(number(watch, "peak_working_set_bytes") >= number(watch, "resident_after_bytes"));
    assert_eq!(number(watch, "programs"), 2);
}

#[test]
fn child_of_any_thread_is_watched() {
    let (_, report) = Watched::compile().watch(&[], &["fork-in-thread"]);
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 120);
    assert_eq!(faults(&report, "mappings", "name", "/memfd:arranged"), 120);
    assert_pages_balance(&report);
}

#[test]
fn account_includes_threads_after_leader() {
    let (output, report) = Watched::compile().watch(&[], &["outlive-leader"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let watch = &report["watch"];
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 120);
    // Some kernels give no access to the memory once the first thread has ended.
    if watch["unaccounted"].is_null() {
        assert_balances(watch);
        assert!(number(watch, "came_by_fault_bytes") >= 120 * PAGE);
    } else {
        let reason = watch["unaccounted"].as_str().unwrap();
        assert!(reason.contains("first thread"), "{reason}");
        assert!(watch["resident_after_bytes"].is_null());
    }
}

#[test]
fn real_time_signal_is_delivered() {
    let watched = Watched::compile();
    let (output, report) = watched.watch(&[], &["real-time-signal"]);
    assert_eq!(output.status.code(), Some(9), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    assert_balances(&report["watch"]);
    assert_eq!(faults(&report, "mappings", "name", "/memfd:arranged"), 200);
}

#[test]
fn stopped_threads_continue() {
    let output = output_of_copy(&mut Watched::compile().command(&[], &["stop-threads"]));
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
}
