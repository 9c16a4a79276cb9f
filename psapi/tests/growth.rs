//! What is asked again and again takes no more memory and no more descriptors than once. The only
//! test here: what is counted is the whole process's.

mod support;

use std::ops::ControlFlow;

use psapi::{Capture, Fields, ModuleFilter, System, WatchOptions, WorkingSetOptions};

use support::privilege::is_root;
use support::tree::Tree;

/// How often everything is captured.
const CAPTURES: usize = 100_000;

/// How often before it is counted: what is kept from one answer to the next is there by then.
const WARM_UP: usize = 100;

/// Beyond the memory that a test harness and the allocator may take meanwhile: less than a leak of
/// 16 bytes a capture.
const SLACK: u64 = 1 << 20;

/// What the process has, as the kernel counts it.
#[derive(Debug)]
struct Holdings {
    descriptors: usize,
    /// What is mapped, in bytes.
    mapped: u64,
    /// What of that is in use and private, in bytes.
    private: u64,
}

impl Holdings {
    fn now() -> Holdings {
        let bytes = |file: &str, label: &str| {
            let text = std::fs::read_to_string(file).expect("a file of /proc");
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(label)?.strip_suffix("kB"));
            let kib = value.expect("the label").trim().parse::<u64>();
            kib.expect("a number") << 10
        };
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("a directory");
        Holdings {
            descriptors: descriptors.count(),
            mapped: bytes("/proc/self/status", "VmSize:"),
            private: bytes("/proc/self/smaps_rollup", "Anonymous:"),
        }
    }
}

/// Asks so many times; nothing may be left of any answer.
fn ask(what: &str, times: usize, mut question: impl FnMut()) {
    (0..WARM_UP).for_each(|_| question());
    let before = Holdings::now();
    let heap = allocation_counter::measure(|| (0..times).for_each(|_| question()));
    let after = Holdings::now();
    assert_eq!(
        (heap.count_current, heap.bytes_current),
        (0, 0),
        "{what}: allocations and bytes left of {times} answers"
    );
    assert!(
        after.descriptors == before.descriptors
            && after.mapped < before.mapped + SLACK
            && after.private < before.private + SLACK,
        "{what}: {before:?} before, {after:?} after {times} answers"
    );
}

#[test]
fn what_is_asked_again_and_again_leaves_nothing() {
    let tree = (1..=3).fold(Tree::new(), |tree, id| {
        tree.process(id, &format!("process {id}"))
            .file(format!("{id}/cmdline"), "/bin/process\0")
            .file(format!("{id}/cgroup"), "0::/slice\n")
            .link(format!("{id}/exe"), "/bin/process")
    });
    let forest = tree.as_proc();
    let fields = Fields::all();
    ask("captures", CAPTURES, || {
        assert_eq!(forest.capture(fields).unwrap().processes().len(), 3);
    });
    let mut capture = Capture::new(fields);
    ask("captures into the same", CAPTURES, || {
        capture.refresh(&forest).unwrap();
    });

    let system = System::new();
    let here = std::process::id();
    ask("captures of the machine", 200, || {
        system.capture(Fields::all()).unwrap();
    });
    ask("processes and their counters", 20_000, || {
        let process = system.process(here).unwrap();
        process.memory_counters().unwrap();
    });
    ask("processes that there are not", 20_000, || {
        assert!(system.process(u32::MAX >> 1).is_err());
    });
    let process = system.current_process().unwrap();
    let address = (what_is_asked_again_and_again_leaves_nothing as fn()) as usize as u64;
    ask("files at an address", 20_000, || {
        process.mapped_file(address).unwrap().expect("a file");
    });
    ask("modules", 1_000, || {
        process.modules(ModuleFilter::All).unwrap();
    });
    ask("mappings", 1_000, || {
        process.mappings().unwrap();
    });
    ask("working sets", 500, || {
        let options = WorkingSetOptions::new();
        process
            .working_set_with(&options, |_| ControlFlow::Continue(()))
            .unwrap();
    });
    ask("single pages", 20_000, || {
        process.query_pages(&[address]).unwrap();
    });
    ask("watches", 500, || {
        let options = WatchOptions::new().buffer_size(64 << 10);
        match process.watch_working_set_with(options) {
            Ok(mut watch) => drop(watch.changes().unwrap()),
            Err(error) => assert!(!is_root(), "{error}"),
        }
    });
    ask("drivers", 500, || {
        system.device_drivers().unwrap();
    });
    ask("the machine's figures", 5_000, || {
        system.performance_info().unwrap();
        system.page_files().unwrap();
    });
}
