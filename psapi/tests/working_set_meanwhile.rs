//! Working sets of processes that do something meanwhile: map, execute, end, lose their first thread.

mod support;

use std::ops::ControlFlow;

use psapi::{ErrorKind, Process, System, WorkingSet, WorkingSetOptions};

use support::child::Program;
use support::privilege::as_nobody;
use support::ways;

/// Takes working sets and asks for pages of a process that does what it likes meanwhile.
fn ask_often(process: &Process, mut answered: impl FnMut(WorkingSet)) {
    for _ in 0..200 {
        let set = process.working_set().unwrap();
        let mut reached = 0;
        for run in set.runs() {
            assert!(run.start >= reached && run.start < run.end);
            assert!(run.mapping.start <= run.start && run.end <= run.mapping.end);
            reached = run.end;
        }
        let addresses: Vec<u64> = set.mappings().iter().map(|mapping| mapping.start).collect();
        assert_eq!(
            process.query_pages(&addresses).unwrap().len(),
            addresses.len()
        );
        answered(set);
    }
}

#[test]
fn a_process_that_maps_and_unmaps_meanwhile_is_no_error() {
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        int main(void) {
            puts("ready"); fflush(stdout);
            for (unsigned i = 0;; i++) {
                size_t size = (1 + i % 64) * 4096;
                char *p = mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                memset(p, 1, size);
                if (i % 3) mprotect(p, 4096, PROT_NONE);
                munmap(p, size);
            }
        }"#,
        &[],
    );
    let subject = program.start();
    for (_, system) in ways::to_pages() {
        ask_often(&system.process(subject.id()).unwrap(), |_| {});
    }
}

#[test]
fn a_process_that_executes_another_program_answers_with_the_one_or_the_other() {
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            char *p = mmap((void *)0x200000000000, 64 << 12, 3, 0x100022, -1, 0);
            memset(p, 1, 64 << 12);
            if (argc == 1) { puts("ready"); fflush(stdout); }
            usleep(2000);
            execl("/proc/self/exe", "again", "again", (char *)0);
            return 1;
        }"#,
        &[],
    );
    let subject = program.start();
    for (_, system) in ways::to_pages() {
        let (mut with, mut without) = (0, 0);
        ask_often(&system.process(subject.id()).unwrap(), |set| {
            // Each program's stack is there from its start on, and one that is gone shows nothing. Before
            // the kernel maps the program's file it moves the stack once: who asks just then for the
            // place where it was finds nothing there.
            let has_begun = set.mappings().iter().any(|mapping| mapping.file.is_some());
            assert!(set.totals().resident > 0 || !has_begun, "{set:#?}");
            match set
                .mappings()
                .iter()
                .any(|mapping| mapping.start == 0x2000_0000_0000)
            {
                true => with += 1,
                false => without += 1,
            }
        });
        eprintln!("{with} with the mapping, {without} before it");
    }
}

#[test]
fn a_process_that_ends_meanwhile_is_told_as_ended() {
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        int main(void) {
            size_t size = 64 << 20;
            char *p = mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            madvise(p, size, MADV_NOHUGEPAGE);
            for (size_t i = 0; i < size; i += 8192) p[i] = 1;
            puts("ready"); fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    for (_, system) in ways::to_pages() {
        let mut subject = program.start();
        let process = system.process(subject.id()).unwrap();
        // Killed between two steps of the kernel's.
        let ended = process.working_set_with(&WorkingSetOptions::new(), |_| {
            subject.kill();
            ControlFlow::Continue(())
        });
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Ended);
        let error = process.query_pages(&[4096]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended);
    }
}

#[test]
fn users_are_told_of_their_own_processes_without_a_first_thread_and_after_the_end() {
    // The files of a first thread that has ended are root's.
    as_nobody(|| {
        let program = Program::compile(
            r#"
            #include <pthread.h>
            #include <stdio.h>
            #include <unistd.h>
            static void *stay(void *nothing) {
                puts("ready"); fflush(stdout);
                pause();
                return nothing;
            }
            int main(void) {
                pthread_t thread;
                pthread_create(&thread, 0, stay, 0);
                pthread_exit(0);
            }"#,
            &["-pthread"],
        );
        let mut subject = program.start();
        subject.await_state('Z');
        for (way, system) in ways::to_pages() {
            eprintln!("by {way}");
            let process = system.process(subject.id()).unwrap();
            assert!(process.working_set().unwrap().totals().resident > 0);
            assert!(!process.mappings().unwrap().is_empty());
        }
        let process = System::new().process(subject.id()).unwrap();
        subject.kill();
        let tasks = format!("/proc/{}/task", subject.id());
        while std::fs::read_dir(&tasks).unwrap().count() > 1 {
            std::thread::yield_now();
        }
        assert_eq!(process.working_set().unwrap_err().kind(), ErrorKind::Ended);
        assert_eq!(process.mappings().unwrap_err().kind(), ErrorKind::Ended);
    });
}
