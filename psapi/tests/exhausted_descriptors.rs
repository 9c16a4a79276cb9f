//! Calls without free descriptors. Their failures must not become facts that a system remembers.
//! The limit applies to the whole test process, so this is the only test here.

// Windows has no limit of handles that a test can lower.
#![cfg(target_os = "linux")]

use std::fs::File;

use psapi::{ErrorKind, PageAttributes, System, WorkingSet};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use testing::{Program, programs};

const DESCRIPTORS: u64 = 64;

/// More descriptors than any call needs at a time.
const MAX_FREE: usize = 12;

/// Opens descriptors until `free` are left.
fn leave_free(free: usize) -> Vec<File> {
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    assert!(files.len() >= MAX_FREE);
    files.truncate(files.len() - free);
    files
}

/// Returns the file that a working set is saved to, which contains the id of the boot.
fn saved(set: &WorkingSet) -> Vec<u8> {
    let mut file = Vec::new();
    set.write_to(&mut file).unwrap();
    file
}

fn boot_id() -> Vec<u8> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let digits = text.trim().replace('-', "");
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn contains(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|window| window == part)
}

#[test]
fn failures_without_descriptors_are_forgotten() {
    let subject = Program::compile(programs::WAITS, &[]).start();
    let limit = Rlimit {
        current: Some(DESCRIPTORS),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).expect("lower the limit");

    let fresh = System::new().process(subject.id()).unwrap();
    // Reading untouched memory of a process maps zero pages there, which not all callers recognize.
    fresh.modules(psapi::ModuleFilter::All).unwrap();
    let expected = fresh.working_set().unwrap().known();
    let may_watch = fresh.watch_working_set().is_ok();
    for free in 0..MAX_FREE {
        let process = System::new().process(subject.id()).unwrap();
        let held = leave_free(free);
        // Whatever fails here, fails because of the descriptors.
        let watched = process.watch_working_set().map(drop);
        let results = [
            watched,
            process.access().map(drop),
            process.working_set().map(drop),
            process.query_pages(&[0x1000]).map(drop),
            process.modules(psapi::ModuleFilter::All).map(drop),
        ];
        for error in results.into_iter().filter_map(Result::err) {
            let is_refused = !may_watch && error.kind() == ErrorKind::AccessDenied;
            let reason = error.raw_os_error();
            assert!(
                is_refused || reason == Some(Errno::MFILE.raw_os_error()),
                "{free} free: {error}"
            );
        }
        drop(held);

        assert_eq!(
            process.watch_working_set().is_ok(),
            may_watch,
            "{free} free"
        );
        let set = process.working_set().unwrap();
        assert_eq!(set.known(), expected, "{free} free");
        assert!(set.known().contains(PageAttributes::RESIDENT));
        assert!(contains(&saved(&set), &boot_id()), "{free} free");
    }
}
