//! Processes that exit during a query. Their memory is gone long before the process is.

use std::process::Command;

use psapi::{Error, ErrorKind, ModuleFilter, Process, System};

use testing::{Program, TestProcess, programs, skip};

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
    let queries: [(&str, Query); 6] = [
        ("mappings", |process| process.mappings().map(drop)),
        ("modules", |process| {
            process.modules(ModuleFilter::All).map(drop)
        }),
        ("working set", |process| process.working_set().map(drop)),
        ("image", |process| process.image_file().map(drop)),
        ("memory", |process| process.memory_counters().map(drop)),
        ("exact memory", |process| process.exact_memory().map(drop)),
    ];
    // Windows has no group leader.
    let all = ["alone", "with others", "exited leader"];
    for how in &all[..if cfg!(windows) { 2 } else { 3 }] {
        for (what, query) in queries {
            let mut subject = TestProcess::start(Command::new(&program.path).arg(how));
            let process = System::new().process(subject.id()).unwrap();
            match query(&process) {
                Err(error) if cfg!(windows) && error.kind() == ErrorKind::NotSupported => {
                    skip(&format!("the system does not report: {what}"));
                    continue;
                }
                result => result.unwrap(),
            }
            subject.begin_kill();
            let error = until_refused(|| query(&process));
            assert_eq!(error.kind(), ErrorKind::Ended, "{what}, {how}: {error}");
        }
    }
}
