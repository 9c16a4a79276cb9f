//! Hundreds of processes, 64 descriptors. The only test here: the limit is the whole process's.

mod support;

use std::process::{Child, Command};

use psapi::{ErrorKind, Fields, ProcessId, System};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use support::child::Program;

const PROCESSES: usize = 300;
const DESCRIPTORS: u64 = 64;

const SLEEPS: &str = r#"
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); for (;;) pause(); }
"#;

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
fn hundreds_are_listed_with_64_descriptors() {
    let program = Program::compile(SLEEPS, &[]);
    let mut children = Children(Vec::new());
    for _ in 0..PROCESSES {
        let child = Command::new(&program.path).spawn();
        children.0.push(child.expect("a child"));
    }
    let limit = Rlimit {
        current: Some(DESCRIPTORS),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).expect("a lower limit");

    let system = System::new();
    for fields in [Fields::MEMORY, Fields::all() - Fields::EXACT] {
        let capture = system.capture(fields).unwrap();
        for child in &children.0 {
            let status = capture.process(ProcessId::new(child.id())).expect("a row");
            assert_eq!(status.parent, Some(ProcessId::new(std::process::id())));
            assert!(status.memory.is_some());
            assert_eq!(status.unreadable, Fields::empty());
        }
    }
    // Opened one after the other, they leave nothing open.
    for child in &children.0 {
        let process = system.process(child.id()).unwrap();
        assert!(process.memory_counters().is_ok());
    }

    // Held open all at once, they do meet the limit: it is said, and closing some is enough.
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
    assert!(error.to_string().contains("Too many open files"), "{error}");
    assert!(system.capture(Fields::MEMORY).is_err());
    open.truncate(open.len() - 8);
    assert!(system.capture(Fields::MEMORY).is_ok());
}
