//! Repeated calls do not leak memory or descriptors. Both are counted for the whole test process,
//! so this is the only test here.

#![cfg(target_os = "linux")]

use std::ops::ControlFlow;

use psapi::{Capture, Fields, ModuleFilter, System, WatchOptions, WorkingSetOptions};

use testing::privilege::is_root;
use testing::tree::Tree;

/// The number of captures.
const CAPTURES: usize = 100_000;

/// The number of calls before the count starts, after which all caches are filled.
const WARM_UP: usize = 100;

/// The memory that the test harness and the allocator can take during the test. It is less than a
/// leak of 16 bytes per capture.
const SLACK: u64 = 1 << 20;

/// The memory and descriptors of this process, as the kernel counts them.
#[derive(Debug)]
struct Holdings {
    descriptors: usize,
    /// The mapped bytes.
    mapped: u64,
    /// The private resident bytes.
    private: u64,
}

impl Holdings {
    fn now() -> Holdings {
        let bytes = |file: &str, label: &str| {
            let text = std::fs::read_to_string(file).expect("read a file of /proc");
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(label)?.strip_suffix("kB"));
            let kib = value.expect("the file has the field").trim().parse::<u64>();
            kib.expect("a number") << 10
        };
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("list the descriptors");
        Holdings {
            descriptors: descriptors.count(),
            mapped: bytes("/proc/self/status", "VmSize:"),
            private: bytes("/proc/self/smaps_rollup", "Anonymous:"),
        }
    }
}

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

#[test]
fn repeated_calls_leak_nothing() {
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

    let system = System::new();
    let own_id = std::process::id();
    assert_no_growth("captures of the machine", 200, || {
        system.capture(Fields::all()).unwrap();
    });
    assert_no_growth("processes and their counters", 20_000, || {
        let process = system.process(own_id).unwrap();
        process.memory_counters().unwrap();
    });
    assert_no_growth("processes that do not exist", 20_000, || {
        assert!(system.process(u32::MAX >> 1).is_err());
    });
    let process = system.current_process().unwrap();
    let address = (repeated_calls_leak_nothing as fn()) as usize as u64;
    assert_no_growth("files at an address", 20_000, || {
        process
            .mapped_file(address)
            .unwrap()
            .expect("code is mapped from a file");
    });
    assert_no_growth("modules", 1_000, || {
        process.modules(ModuleFilter::All).unwrap();
    });
    assert_no_growth("mappings", 1_000, || {
        process.mappings().unwrap();
    });
    assert_no_growth("working sets", 500, || {
        let options = WorkingSetOptions::new();
        process
            .working_set_with(&options, |_| ControlFlow::Continue(()))
            .unwrap();
    });
    assert_no_growth("single pages", 20_000, || {
        process.query_pages(&[address]).unwrap();
    });
    assert_no_growth("watches", 500, || {
        let options = WatchOptions::new().buffer_size(64 << 10);
        match process.watch_working_set_with(options) {
            Ok(mut watch) => drop(watch.changes().unwrap()),
            Err(error) => assert!(!is_root(), "{error}"),
        }
    });
    assert_no_growth("drivers", 500, || {
        system.device_drivers().unwrap();
    });
    assert_no_growth("performance and page files", 5_000, || {
        system.performance_info().unwrap();
        system.page_files().unwrap();
    });
}
