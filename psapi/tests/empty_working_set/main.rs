//! Eviction of working sets: which pages are evicted, and why others remain.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

use psapi::{EmptiedWorkingSet, ErrorKind, Process, System};

#[cfg(target_os = "linux")]
use testing::privilege::{is_root, unprivileged};
use testing::refused::empties_working_sets;
use testing::{Program, programs};

#[cfg(target_os = "linux")]
use linux::{SLACK, assert_evicted, assert_returned, empty, page_file, start};
#[cfg(windows)]
use windows::{SLACK, assert_evicted, assert_returned, empty, page_file, start};

const MIB: u64 = 1 << 20;

/// Asserts that each remaining page is counted under one reason.
fn assert_adds_up(emptied: &EmptiedWorkingSet) {
    let remaining = emptied.remaining;
    let parts = [
        remaining.locked,
        remaining.kernel,
        remaining.shared,
        remaining.no_page_file,
        remaining.other,
    ];
    assert_eq!(parts.iter().sum::<u64>(), emptied.after.total());
}

#[test]
fn evicts_private_pages_with_swap() {
    let Some(_page_file) = page_file() else {
        return;
    };
    let mut fixture = start();
    let process = System::new().process(fixture.subject.id()).unwrap();
    let emptied = process.empty_working_set().unwrap();
    assert_adds_up(&emptied);
    assert!(emptied.evicted().private >= 8 * MIB - SLACK, "{emptied:?}");
    assert_eq!(emptied.remaining.no_page_file, 0);
    assert_evicted(&fixture, &emptied);

    // Pages return with their contents when the process touches them.
    fixture.subject.resume();
    assert!(fixture.subject.line.ends_with("good"));
    assert_returned(&fixture);
}

#[test]
fn own_process_needs_no_privileges() {
    let Some(_page_file) = page_file() else {
        return;
    };
    let filled: Vec<u8> = (0..16 * MIB).map(|byte| (byte / 4096) as u8).collect();
    let me = || System::new().current_process().unwrap();
    #[cfg(target_os = "linux")]
    let emptied = unprivileged(|| me().empty_working_set().unwrap());
    #[cfg(windows)]
    let emptied = me().empty_working_set().unwrap();
    assert!(emptied.evicted().private >= 16 * MIB - SLACK, "{emptied:?}");
    #[cfg(target_os = "linux")]
    {
        let swapped = me().memory_counters().unwrap().swap.unwrap();
        assert!(swapped >= 16 * MIB - SLACK, "{swapped}");
    }
    let mut contents = filled.iter().zip(0u64..);
    assert!(contents.all(|(&value, byte)| value == (byte / 4096) as u8));
}

#[test]
fn process_without_memory_is_refused() {
    if !empties_working_sets() {
        return;
    }
    let system = System::new();
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let process = system.process(subject.id()).unwrap();
    let kind = |process: &Process| process.empty_working_set().unwrap_err().kind();
    subject.kill();
    assert_eq!(kind(&process), ErrorKind::Ended);
    subject.reap();
    assert_eq!(kind(&process), ErrorKind::Ended);
    #[cfg(target_os = "linux")]
    if let Ok(kthreadd) = system.process(2)
        && kthreadd.status(psapi::Fields::STAT).unwrap().kernel_thread == Some(true)
        && is_root()
    {
        assert_eq!(kind(&kthreadd), ErrorKind::NoAddressSpace);
    }
}

#[test]
fn survives_changes_meanwhile() {
    if !empties_working_sets() {
        return;
    }
    #[cfg(target_os = "linux")]
    let program = Program::compile(programs::CHURNS_AND_EXECS, &[]);
    #[cfg(windows)]
    let program = Program::compile(programs::CHANGES_MAPPINGS_FOREVER, &[]);
    let subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    // Under Wine, each query is slow while another program changes mappings.
    for _ in 0..if cfg!(windows) { 10 } else { 100 } {
        let Some(emptied) = empty(&process) else {
            return;
        };
        assert_adds_up(&emptied);
    }
}
