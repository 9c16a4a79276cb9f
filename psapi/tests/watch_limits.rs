//! Watches with few descriptors or little lockable memory. The limits apply to the whole test
//! process, so this is the only test here.

// The facts are Linux's. `own_pages` has the tests for every system.
#![cfg(target_os = "linux")]

use psapi::{ErrorKind, System, WatchOptions, WorkingSetWatch};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::CapabilitySet;

use testing::privilege::{as_user, is_root};
use testing::{Program, programs, skip};

/// A user without processes. The kernel counts locked memory per user.
const UNUSED_USER: u32 = 54_321;

fn limit(resource: Resource, most: u64) -> Rlimit {
    let before = getrlimit(resource);
    let limit = Rlimit {
        current: Some(most),
        ..before
    };
    setrlimit(resource, limit).expect("lower the limit");
    before
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn short_limits_are_reported() {
    let program = Program::compile(programs::HAS_64_MORE_THREADS, &[]);

    let subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    let open = open_descriptors();
    let before = limit(Resource::Nofile, 64);
    let error = process.watch_working_set().unwrap_err();
    if !is_root() && error.kind() == ErrorKind::AccessDenied {
        return skip(&format!("{error}"));
    }
    assert_eq!(error.kind(), ErrorKind::Os);
    assert!(error.to_string().contains("RLIMIT_NOFILE"), "{error}");
    assert_eq!(open_descriptors(), open);
    setrlimit(Resource::Nofile, before).unwrap();
    drop(process.watch_working_set().unwrap());
    assert_eq!(open_descriptors(), open);

    if !is_root() {
        return skip("needs root to be a user without locked memory");
    }
    // Each watch takes two descriptors per thread and CPU.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: most,
            maximum: most,
        },
    )
    .expect("raise the limit to its maximum");
    limit(Resource::Memlock, 0);
    as_user(UNUSED_USER, CapabilitySet::empty(), || {
        locked_memory_runs_out(&program);
    });
}

fn locked_memory_runs_out(program: &Program) {
    const WANTED: usize = 256 << 10;
    let subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    let options = WatchOptions::new().buffer_size(WANTED);
    let mut watches: Vec<WorkingSetWatch> = Vec::new();
    let error = loop {
        match process.watch_working_set_with(options) {
            Ok(watch) if watches.len() < 50 => watches.push(watch),
            Ok(_) => return skip("kernel.perf_event_mlock_kb is too large to exhaust"),
            Err(error) => break error,
        }
    };
    let sizes: Vec<usize> = watches.iter().map(|watch| watch.buffer_size()).collect();
    if sizes.is_empty() {
        return skip(&format!("{error}"));
    }
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
    assert!(sizes.iter().any(|&size| size < WANTED), "{sizes:?}");
    assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
    let text = error.to_string();
    for name in [
        "kernel.perf_event_mlock_kb",
        "RLIMIT_MEMLOCK",
        "CAP_IPC_LOCK",
    ] {
        assert!(text.contains(name), "{text}");
    }
    // Memory released by one watch is available to the next.
    watches.clear();
    let watch = process.watch_working_set_with(options).unwrap();
    assert_eq!(watch.buffer_size(), sizes[0]);
}
