//! Watching a working set, against faults that the tests arrange and the kernel counts.

mod support;

use std::process::Command;
use std::time::Duration;

use psapi::{PageFault, ProcessId, System, WatchOptions, WorkingSetWatch};

use support::child::{Program, Subject, proc_file};

/// Says a line, waits for one, and does what its first argument says; each again and again.
const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static size_t pages;
static char *map(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *p = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, pages * 4096, MADV_NOHUGEPAGE);
    return p;
}
static void touch(char *p) {
    for (size_t i = 0; i < pages; i++) p[i * 4096] = 1;
}
/* Says something without memory that is new. */
static void say(const char *text) {
    if (write(1, text, strlen(text)) < 0) _Exit(1);
}
static void hear(void) {
    char c;
    do { if (read(0, &c, 1) != 1) _Exit(0); } while (c != '\n');
}
static pthread_barrier_t begin;
static void *touch_own(void *waits) {
    if (waits) pthread_barrier_wait(&begin);
    char *p = map();
    touch(p);
    munmap(p, pages * 4096);
    return 0;
}
int main(int argc, char **argv) {
    const char *what = argv[1];
    pages = atol(argv[2]);
    int threads = argc > 3 ? atoi(argv[3]) : 0;
    pthread_t ids[256];
    char text[256];
    if (!strcmp(what, "touch")) {
        char *p = map();
        sprintf(text, "%lu %d\n", (long)p, (int)syscall(SYS_gettid));
        for (;;) { say(text); hear(); touch(p); strcpy(text, "done\n"); }
    }
    if (!strcmp(what, "threads-before")) {
        pthread_barrier_init(&begin, 0, threads + 1);
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, touch_own, &begin);
        say("ready\n"); hear();
        pthread_barrier_wait(&begin);
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        say("done\n"); hear();
    }
    if (!strcmp(what, "threads-later")) {
        say("ready\n"); hear();
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, touch_own, 0);
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        say("done\n"); hear();
    }
    return 0;
}"#;

fn start(arguments: &[&str]) -> Subject {
    let program = Program::compile(SUBJECT, &[]);
    Subject::start(Command::new(&program.path).args(arguments))
}

fn watch(id: ProcessId) -> WorkingSetWatch {
    System::new()
        .process(id)
        .unwrap()
        .watch_working_set()
        .unwrap()
}

/// The faults that the kernel counted for the process, those of threads that have ended included.
fn counted(id: ProcessId) -> u64 {
    let stat = String::from_utf8(proc_file(id, "stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    // The state is the third field.
    fields[10 - 3].parse::<u64>().unwrap() + fields[12 - 3].parse::<u64>().unwrap()
}

#[test]
fn touched_pages_are_told_one_by_one() {
    let mut subject = start(&["touch", "1000"]);
    let (address, thread) = subject.said.split_once(' ').unwrap();
    let (address, thread): (u64, u32) = (address.parse().unwrap(), thread.parse().unwrap());
    subject.settle();
    let before = counted(subject.id());
    let mut watch = watch(subject.id());
    subject.proceed();
    assert!(watch.wait(None).unwrap());
    let changes = watch.changes().unwrap();
    assert_eq!(changes.lost, 0);
    assert_eq!(changes.faults.len() as u64, counted(subject.id()) - before);
    let touched: Vec<&PageFault> = changes
        .faults
        .iter()
        .filter(|fault| (address..address + 1000 * 4096).contains(&fault.address))
        .collect();
    let addresses: Vec<u64> = touched.iter().map(|fault| fault.address).collect();
    let expected: Vec<u64> = (0..1000).map(|page| address + page * 4096).collect();
    assert_eq!(addresses, expected);
    for fault in touched {
        assert_eq!((fault.thread, fault.process), (thread, subject.id()));
        assert!(!fault.hard);
        assert_eq!(fault.program_counter, changes.faults[500].program_counter);
    }
    assert!(changes.faults.is_sorted_by_key(|fault| fault.time));
    assert!(watch.changes().unwrap().faults.is_empty());
}

#[test]
fn what_did_not_fit_is_counted() {
    let mut subject = start(&["touch", "20000"]);
    let process = System::new().process(subject.id()).unwrap();
    let options = WatchOptions::new().buffer_size(1);
    subject.settle();
    let before = counted(subject.id());
    let mut watch = process.watch_working_set_with(options).unwrap();
    assert_eq!(watch.buffer_size(), rustix::param::page_size());
    subject.proceed();
    subject.settle();
    let changes = watch.changes().unwrap();
    assert!(changes.lost > 0);
    let lost = changes.lost + watch.changes().unwrap().lost;
    let all = changes.faults.len() as u64 + lost;
    assert_eq!(all, counted(subject.id()) - before);
}

fn account(arguments: &[&str], at_least: u64) {
    let mut subject = start(arguments);
    subject.settle();
    let mut watch = watch(subject.id());
    let before = counted(subject.id());
    subject.proceed();
    subject.settle();
    let changes = watch.changes().unwrap();
    let grown = counted(subject.id()) - before;
    assert!(grown >= at_least);
    assert_eq!(changes.faults.len() as u64 + changes.lost, grown);
    assert!(changes.faults.is_sorted_by_key(|fault| fault.time));
    assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
}

#[test]
fn threads_from_before_and_from_later_are_watched() {
    account(&["threads-before", "100", "64"], 6400);
    account(&["threads-later", "100", "64"], 6400);
}
