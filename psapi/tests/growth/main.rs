//! Repeated calls do not leak memory or descriptors. Both are counted for the whole test process,
//! so this is the only test here.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

use std::ops::ControlFlow;

#[cfg(target_os = "linux")]
use psapi::{Capture, WatchOptions};
use psapi::{Fields, ModuleFilter, System, WorkingSetOptions};

#[cfg(target_os = "linux")]
use testing::privilege::is_root;
#[cfg(target_os = "linux")]
use testing::tree::Tree;

#[cfg(target_os = "linux")]
use linux::Holdings;
#[cfg(windows)]
use windows::Holdings;

/// Wine takes much longer for each call.
const LESS: usize = if cfg!(windows) { 20 } else { 1 };

/// The number of captures of a small tree.
#[cfg(target_os = "linux")]
const CAPTURES: usize = 100_000;

/// The number of calls before the count starts, after which all caches are filled.
const WARM_UP: usize = 100;

/// The memory that the test harness and the allocator can take during the test. It is less than a
/// leak of 16 bytes per capture.
const SLACK: u64 = 1 << 20;

/// Calls a function repeatedly and asserts that nothing remains allocated.
fn assert_no_growth(what: &str, times: usize, mut call: impl FnMut()) {
    (0..WARM_UP).for_each(|_| call());
    let before = Holdings::now();
    let heap = allocation_counter::measure(|| (0..times).for_each(|_| call()));
    let after = Holdings::now();
    assert_eq!(
        (heap.count_current, heap.bytes_current),
        (0, 0),
        "{what}: allocations and bytes leaked by {times} calls"
    );
    assert!(
        after.descriptors == before.descriptors
            && after.mapped < before.mapped + SLACK
            && after.private < before.private + SLACK,
        "{what}: {before:?} before, {after:?} after {times} calls"
    );
}

#[cfg(target_os = "linux")]
fn assert_captures_leak_nothing() {
    let tree = (1..=3).fold(Tree::new(), |tree, id| {
        tree.process(id, &format!("process {id}"))
            .file(format!("{id}/cmdline"), "/bin/process\0")
            .file(format!("{id}/cgroup"), "0::/slice\n")
            .link(format!("{id}/exe"), "/bin/process")
    });
    let made_up = tree.as_proc();
    let fields = Fields::all();
    assert_no_growth("captures", CAPTURES, || {
        assert_eq!(made_up.capture(fields).unwrap().processes().len(), 3);
    });
    let mut capture = Capture::new(fields);
    assert_no_growth("refreshes", CAPTURES, || {
        capture.refresh(&made_up).unwrap();
    });
}

#[test]
fn repeated_calls_leak_nothing() {
    #[cfg(target_os = "linux")]
    assert_captures_leak_nothing();

    let system = System::new();
    let own_id = std::process::id();
    assert_no_growth("captures of the machine", 200 / LESS, || {
        system.capture(Fields::all()).unwrap();
    });
    assert_no_growth("processes and their counters", 20_000 / LESS, || {
        let process = system.process(own_id).unwrap();
        process.memory_counters().unwrap();
    });
    assert_no_growth("processes that do not exist", 20_000 / LESS, || {
        assert!(system.process(u32::MAX >> 1).is_err());
    });
    let process = system.current_process().unwrap();
    let address = (repeated_calls_leak_nothing as fn()) as usize as u64;
    assert_no_growth("files at an address", 20_000 / LESS, || {
        process
            .mapped_file(address)
            .unwrap()
            .expect("code is mapped from a file");
    });
    assert_no_growth("modules", 1_000 / LESS, || {
        process.modules(ModuleFilter::All).unwrap();
    });
    assert_no_growth("mappings", 1_000 / LESS, || {
        process.mappings().unwrap();
    });
    assert_no_growth("working sets", 500 / LESS, || {
        let options = WorkingSetOptions::new();
        process
            .working_set_with(&options, |_| ControlFlow::Continue(()))
            .unwrap();
    });
    assert_no_growth("single pages", 20_000 / LESS, || {
        process.query_pages(&[address]).unwrap();
    });
    #[cfg(target_os = "linux")]
    assert_no_growth("watches", 500 / LESS, || {
        let options = WatchOptions::new().buffer_size(64 << 10);
        match process.watch_working_set_with(options) {
            Ok(mut watch) => drop(watch.changes().unwrap()),
            Err(error) => assert!(!is_root(), "{error}"),
        }
    });
    assert_no_growth("drivers", 500 / LESS, || {
        system.device_drivers().unwrap();
    });
    assert_no_growth("performance and page files", 5_000 / LESS, || {
        system.performance_info().unwrap();
        let page_files = system.page_files();
        // Wine refuses the list.
        assert!(page_files.is_ok() || cfg!(windows));
    });
    #[cfg(windows)]
    assert_no_growth("watches", 500 / LESS, || {
        if let Ok(mut watch) = process.watch_working_set() {
            drop(watch.changes().unwrap());
        }
    });
}
