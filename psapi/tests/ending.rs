//! Processes that end while they are asked: their memory is gone long before they are.

mod support;

use std::process::Command;

use psapi::{Error, ErrorKind, ModuleFilter, Process, System};
use rustix::process::{Pid, Signal, kill_process};

use support::child::{Program, Subject};

/// Has so much memory that the kernel takes a while to tear it down.
const LARGE: &str = r#"
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
static void *wait(void *_) { for (;;) pause(); }
static void *say(void *_) {
    /* The first thread has ended by then, or is about to. */
    usleep(20000);
    puts("ready"); fflush(stdout);
    for (;;) pause();
}
int main(int argc, char **argv) {
    const size_t size = 96 << 20;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)) { perror("prctl"); return 1; }
    if (mmap(0, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) { perror("mmap"); return 1; }
    pthread_t id;
    if (strcmp(argv[1], "alone")) for (int i = 0; i < 8; i++) pthread_create(&id, 0, wait, 0);
    if (!strcmp(argv[1], "without first thread")) {
        pthread_create(&id, 0, say, 0);
        pthread_exit(0);
    }
    puts("ready"); fflush(stdout);
    for (;;) pause();
}
"#;

/// Asks until there is no answer any more.
fn until_refused<T>(mut ask: impl FnMut() -> Result<T, Error>) -> Error {
    loop {
        if let Err(error) = ask() {
            return error;
        }
    }
}

type Question = fn(&Process) -> Result<(), Error>;

#[test]
fn one_that_is_losing_its_memory_has_ended() {
    let program = Program::compile(LARGE, &[]);
    let questions: [(&str, Question); 5] = [
        ("mappings", |process| process.mappings().map(drop)),
        ("modules", |process| {
            process.modules(ModuleFilter::All).map(drop)
        }),
        ("working set", |process| process.working_set().map(drop)),
        ("image", |process| process.image_file().map(drop)),
        ("memory", |process| process.exact_memory().map(drop)),
    ];
    for how in ["alone", "with others", "without first thread"] {
        for (what, question) in questions {
            let subject = Subject::start(Command::new(&program.path).arg(how));
            let process = System::new().process(subject.id()).unwrap();
            question(&process).unwrap();
            let pid = Pid::from_raw(subject.id().get().try_into().unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
            let error = until_refused(|| question(&process));
            assert_eq!(error.kind(), ErrorKind::Ended, "{what}, {how}: {error}");
        }
    }
}
