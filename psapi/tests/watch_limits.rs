//! Watches where descriptors and locked memory are short. The only test here: the limits are the
//! whole process's.

mod support;

use psapi::{ErrorKind, System, WatchOptions, WorkingSetWatch};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::CapabilitySet;

use support::child::Program;
use support::privilege::{as_user, is_root, skip};

const SLEEPS: &str = r#"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *wait(void *_) { for (;;) pause(); }
int main(void) {
    for (int i = 0; i < 64; i++) { pthread_t id; pthread_create(&id, 0, wait, 0); }
    puts("ready"); fflush(stdout); getchar(); return 0;
}
"#;

/// A user who has no processes: how much is locked in memory is counted for each user.
const SOMEBODY: u32 = 54_321;

fn limit(resource: Resource, most: u64) -> Rlimit {
    let before = getrlimit(resource);
    let limit = Rlimit {
        current: Some(most),
        ..before
    };
    setrlimit(resource, limit).expect("a lower limit");
    before
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn what_is_short_is_told_or_made_do_with() {
    let program = Program::compile(SLEEPS, &[]);

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
        return skip("needs root to be a user who has nothing locked in memory yet");
    }
    // Each watch takes two for each of its threads on each processor.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: most,
            maximum: most,
        },
    )
    .expect("as many as are allowed");
    limit(Resource::Memlock, 0);
    as_user(SOMEBODY, CapabilitySet::empty(), || {
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
            Ok(_) => return skip("kernel.perf_event_mlock_kb is too large to be used up"),
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
    // What one gives back, another can have.
    watches.clear();
    let watch = process.watch_working_set_with(options).unwrap();
    assert_eq!(watch.buffer_size(), sizes[0]);
}
