//! Processes that exit during a query. Their memory is gone long before the process is.

#![cfg(target_os = "linux")]

use std::process::Command;

use psapi::{Error, ErrorKind, ModuleFilter, Process, System};
use rustix::process::{Pid, Signal, kill_process};

use testing::{Program, TestProcess, programs};

/// Repeats a query until it fails, and returns the error.
fn until_refused<T>(mut query: impl FnMut() -> Result<T, Error>) -> Error {
    loop {
        if let Err(error) = query() {
            return error;
        }
    }
}

type Query = fn(&Process) -> Result<(), Error>;

#[test]
fn killed_process_fails_with_ended() {
    let program = Program::compile(programs::HOLDS_96_MIB, &[]);
    let queries: [(&str, Query); 5] = [
        ("mappings", |process| process.mappings().map(drop)),
        ("modules", |process| {
            process.modules(ModuleFilter::All).map(drop)
        }),
        ("working set", |process| process.working_set().map(drop)),
        ("image", |process| process.image_file().map(drop)),
        ("memory", |process| process.exact_memory().map(drop)),
    ];
    for how in ["alone", "with others", "exited leader"] {
        for (what, query) in queries {
            let subject = TestProcess::start(Command::new(&program.path).arg(how));
            let process = System::new().process(subject.id()).unwrap();
            query(&process).unwrap();
            let pid = Pid::from_raw(subject.id().get().try_into().unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
            let error = until_refused(|| query(&process));
            assert_eq!(error.kind(), ErrorKind::Ended, "{what}, {how}: {error}");
        }
    }
}
