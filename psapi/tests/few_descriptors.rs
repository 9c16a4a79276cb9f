//! Captures of more processes than descriptors. The limit applies to the whole test process, so
//! this is the only test here.

// Windows has no limit of handles that a test can lower.
#![cfg(target_os = "linux")]

use std::process::{Child, Command};

use psapi::{ErrorKind, Fields, ProcessId, System};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use testing::{Program, programs};

const PROCESSES: usize = 300;
const DESCRIPTORS: u64 = 64;

struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn capture_works_with_64_descriptors() {
    let program = Program::compile(programs::SLEEPS, &[]);
    let mut children = Children(Vec::new());
    for _ in 0..PROCESSES {
        let child = Command::new(&program.path).spawn();
        children.0.push(child.expect("start a child"));
    }
    let limit = Rlimit {
        current: Some(DESCRIPTORS),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).expect("lower the limit");

    let system = System::new();
    for fields in [Fields::MEMORY, Fields::all() - Fields::EXACT] {
        let capture = system.capture(fields).unwrap();
        for child in &children.0 {
            let status = capture
                .process(ProcessId::new(child.id()))
                .expect("the child has a row");
            assert_eq!(status.parent, Some(ProcessId::new(std::process::id())));
            assert!(status.memory.is_some());
            assert_eq!(status.unreadable, Fields::empty());
        }
    }
    // Processes opened one after another leave no descriptor open.
    for child in &children.0 {
        let process = system.process(child.id()).unwrap();
        assert!(process.memory_counters().is_ok());
    }

    // Processes that are held open at once reach the limit, which the error names. Captures succeed
    // again once a few of the processes are dropped.
    let mut open = Vec::new();
    let error = children
        .0
        .iter()
        .find_map(|child| match system.process(child.id()) {
            Ok(process) => {
                open.push(process);
                None
            }
            Err(error) => Some(error),
        })
        .expect("more processes than descriptors");
    assert_eq!(error.kind(), ErrorKind::Os);
    assert_eq!(
        error.raw_os_error(),
        Some(rustix::io::Errno::MFILE.raw_os_error())
    );
    assert!(error.to_string().contains("too many open files"), "{error}");
    assert!(system.capture(Fields::MEMORY).is_err());
    open.truncate(open.len() - 8);
    assert!(system.capture(Fields::MEMORY).is_ok());
}
