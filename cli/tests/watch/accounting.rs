//! The totals of a watch: faults against the kernel's count, and pages before and after.

#[cfg(target_os = "linux")]
use serde_json::Value;

use testing::command::records_faults;
#[cfg(target_os = "linux")]
use testing::command::{output_of_copy, stderr};

#[cfg(target_os = "linux")]
use crate::support::{PAGE, faults, rows};
use crate::support::{Running, Watched, Watcher, assert_balances, number};

/// Returns true if the watch also recorded faults in kernel mode.
#[cfg(target_os = "linux")]
fn includes_kernel(report: &Value) -> bool {
    report["watch"]["user_only"] == false
}

#[cfg(target_os = "linux")]
#[test]
fn faults_match_kernel_count() {
    let (_, report) = Watched::compile().watch(&[], &["touch"]);
    let watch = &report["watch"];
    let reported = number(watch, "faults") + number(watch, "lost_faults");
    assert_eq!(
        reported + number(watch, "unrecorded_faults"),
        number(watch, "counted_faults")
    );
    if includes_kernel(&report) {
        assert_eq!(number(watch, "unrecorded_faults"), 0);
    }
    // During `execve`, the kernel counts faults on the new stack but records no event for them.
    let (_, report) = Watched::compile().watch(&[], &["exec"]);
    let watch = &report["watch"];
    let reported = number(watch, "faults") + number(watch, "lost_faults");
    let unrecorded = number(watch, "unrecorded_faults");
    assert_eq!(reported + unrecorded, number(watch, "counted_faults"));
    if includes_kernel(&report) {
        assert!((1..10).contains(&unrecorded), "{watch}");
    }
    let output = output_of_copy(&mut Watched::compile().command(&[], &["exec"]));
    let text = stderr(&output);
    let is_note = |line: &&str| line.starts_with("unrecorded faults");
    let note = text.lines().find(is_note).expect(&text);
    assert!(note.contains("by the kernel itself"), "{note}");
    // MADV_POPULATE_WRITE counts faults without recording events.
    let (_, report) = Watched::compile().watch(&[], &["account"]);
    if includes_kernel(&report) {
        assert_eq!(number(&report["watch"], "unrecorded_faults"), 100);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn command_account_balances() {
    let (_, report) = Watched::compile().watch(&[], &["account"]);
    let watch = &report["watch"];
    assert_balances(watch);
    for resident in ["resident_before_bytes", "resident_after_bytes"] {
        assert!(number(watch, "peak_working_set_bytes") >= number(watch, resident));
    }
    let arranged = rows(&report, "mappings").iter();
    let arranged = arranged.filter(|row| row["name"] == "/memfd:arranged");
    let sum = |field| arranged.clone().map(|row| number(row, field)).sum::<u64>();
    assert_eq!(sum("faults"), 200);
    assert_eq!(sum("resident_after_bytes"), 250 * PAGE);
    assert_eq!(sum("came_bytes"), 250 * PAGE);
    assert_eq!(sum("evicted_bytes"), 0);
    assert!(number(watch, "came_without_fault_bytes") >= 100 * PAGE);
    assert!(number(watch, "pages_come_and_gone") >= 50);
}

/// Checks the report on the behavior `running` after one line of input.
#[cfg(target_os = "linux")]
fn assert_complete(report: &Value) {
    let watch = &report["watch"];
    assert_balances(watch);
    assert_eq!(faults(report, "functions", "function", "touch_many"), 200);
    let memory = |field| {
        let arranged = rows(report, "mappings").iter();
        let arranged = arranged.filter(|row| row["name"] == "/memfd:arranged");
        arranged.map(|row| number(row, field)).sum::<u64>()
    };
    assert_eq!(memory("faults"), 200);
    assert_eq!(memory("came_bytes"), 300 * PAGE);
    assert_eq!(memory("evicted_bytes"), 64 * PAGE);
    assert_eq!(memory("resident_after_bytes"), 300 * PAGE);
    assert!(number(watch, "evicted_bytes") >= 64 * PAGE);
    assert!(number(watch, "came_without_fault_bytes") >= 100 * PAGE);
    if includes_kernel(report) {
        assert_eq!(number(watch, "unrecorded_faults"), 100);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn interrupted_account_balances() {
    let watched = Watched::compile();
    let mut running = Running::start(&watched, "running");
    let watcher = Watcher::start(&running, &[]);
    running.resume();
    watcher.interrupt();
    assert_complete(&watcher.report());
}

/// A running process is not traced, so its memory right after `execve` is unknown.
#[cfg(target_os = "linux")]
#[test]
fn exec_of_running_process_is_unaccounted() {
    let watched = Watched::compile();
    let mut running = Running::start(&watched, "exec-running");
    let watcher = Watcher::start(&running, &[]);
    running.resume();
    watcher.interrupt();
    let report = watcher.report();
    assert!(report["watch"]["resident_after_bytes"].is_null());
    let reason = &report["watch"]["unaccounted"];
    assert!(reason.as_str().unwrap().contains("executed"), "{reason}");
}

/// The stand-in takes long to find the pages.
const DURATION: &str = if cfg!(windows) { "0.2" } else { "0.05" };

/// The kernel's count is read while the process faults. psapi must compare it with the faults
/// recorded up to the same moment.
#[test]
fn busy_process_account_balances() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let running = Running::start(&watched, "churn");
    for _ in 0..5 {
        let report = Watcher::start(&running, &["--duration", DURATION]).report();
        let watch = &report["watch"];
        assert_balances(watch);
        let reported = number(watch, "faults") + number(watch, "lost_faults");
        assert!(reported > 0);
        #[cfg(target_os = "linux")]
        {
            let recorded = reported + number(watch, "unrecorded_faults");
            assert_eq!(recorded, number(watch, "counted_faults"), "{watch}");
            if includes_kernel(&report) {
                assert_eq!(number(watch, "unrecorded_faults"), 0, "{watch}");
            }
        }
    }
}

#[test]
fn watch_ends_with_process() {
    if !records_faults() {
        return;
    }
    let watched = Watched::compile();
    let mut running = Running::start(&watched, "running");
    let watcher = Watcher::start(&running, &["--duration", "1000"]);
    running.resume();
    drop(running.child.stdin.take());
    let report = watcher.report();
    #[cfg(target_os = "linux")]
    assert_eq!(faults(&report, "functions", "function", "touch_many"), 200);
    // The memory of a process cannot be read after its exit.
    assert!(report["watch"]["resident_after_bytes"].is_null());
    let reason = &report["watch"]["unaccounted"];
    assert!(reason.as_str().unwrap().contains("ended"), "{reason}");
}
