//! Watching a working set, against faults that the tests arrange and the kernel counts.

mod support;

use std::os::fd::AsRawFd as _;
use std::process::Command;
use std::time::Duration;

use psapi::{
    ErrorKind, Fields, PageChanges, PageFault, ProcessId, System, WatchOptions, WorkingSetWatch,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use support::child::{Program, Subject, proc_file};
use support::privilege::{as_nobody, is_root, skip};
use support::tree::Tree;

/// Says a line, waits for one, and does what its first argument says; each again and again.
const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
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
static atomic_int stop;
static void *churn(void *_) {
    char *p = map();
    while (!stop) { touch(p); madvise(p, pages * 4096, MADV_DONTNEED); }
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
        for (;;) {
            say(text); hear();
            madvise(p, pages * 4096, MADV_DONTNEED);
            touch(p);
            strcpy(text, "done\n");
        }
    }
    if (!strcmp(what, "read")) {
        /* The kernel touches the pages, on the process's behalf. */
        char *p = map();
        int fd = open("/dev/zero", O_RDONLY);
        sprintf(text, "%lu\n", (long)p);
        say(text); hear();
        if (read(fd, p, pages * 4096) != (ssize_t)(pages * 4096)) return 1;
        say("done\n"); hear();
    }
    if (!strcmp(what, "file")) {
        int fd = open(argv[4], O_RDONLY);
        volatile char *p = mmap(0, pages * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) { perror(argv[4]); return 1; }
        /* Each page for itself, none ahead. */
        madvise((void *)p, pages * 4096, MADV_RANDOM);
        sprintf(text, "%lu\n", (long)p);
        say(text); hear();
        for (size_t i = 0; i < pages; i++) p[i * 4096];
        say("done\n"); hear();
    }
    if (!strcmp(what, "fork")) {
        char *p = map();
        say("ready\n"); hear();
        pid_t child = fork();
        if (!child) { touch(p); _Exit(0); }
        sprintf(text, "%d\n", child);
        waitpid(child, 0, 0);
        say(text); hear();
    }
    if (!strcmp(what, "churn")) {
        /* All the time, until it is told to stop. */
        say("ready\n"); hear();
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, churn, 0);
        say("going\n"); hear();
        stop = 1;
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        say("done\n"); hear();
    }
    if (!strcmp(what, "threads-meanwhile")) {
        pthread_barrier_init(&begin, 0, threads + 1);
        say("ready\n");
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, touch_own, &begin);
        hear(); say("started\n"); hear();
        pthread_barrier_wait(&begin);
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        say("done\n"); hear();
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
    let subject = Subject::start(Command::new(&program.path).args(arguments));
    settle(&subject);
    subject
}

/// Waits until all its threads sleep.
fn settle(subject: &Subject) {
    let tasks = format!("/proc/{}/task", subject.id());
    let sleeps = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat"));
        stat.is_ok_and(|stat| stat.contains(") S "))
    };
    while !std::fs::read_dir(&tasks).unwrap().all(sleeps) {
        std::thread::yield_now();
    }
}

/// Small, so that there is room for all tests at the same time.
fn options() -> WatchOptions {
    WatchOptions::new().buffer_size(512 << 10)
}

/// `None`: who has no privileges here may not watch.
fn watch_with(id: ProcessId, options: WatchOptions) -> Option<WorkingSetWatch> {
    let watch = System::new()
        .process(id)
        .unwrap()
        .watch_working_set_with(options);
    match watch {
        Err(error) if error.kind() == ErrorKind::AccessDenied && !is_root() => {
            skip(&format!("{error}"));
            None
        }
        watch => Some(watch.unwrap()),
    }
}

fn watch(id: ProcessId) -> Option<WorkingSetWatch> {
    watch_with(id, options())
}

/// The faults that the kernel counted for the process, soft and hard, those of threads that have
/// ended included.
fn counts(id: ProcessId) -> [u64; 2] {
    let stat = String::from_utf8(proc_file(id, "stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    // The state is the third field.
    [10, 12].map(|field| fields[field - 3].parse().unwrap())
}

fn counted(id: ProcessId) -> u64 {
    counts(id).iter().sum()
}

/// Asserts that what was delivered and what was lost is what the kernel counted.
#[track_caller]
fn assert_account(watch: &WorkingSetWatch, delivered: usize, lost: u64, counted: u64) {
    let told = delivered as u64 + lost;
    match watch.is_user_only() {
        true => assert!(told <= counted, "{delivered} + {lost}, counted {counted}"),
        false => assert_eq!(told, counted, "{delivered} + {lost}"),
    }
}

fn of_range(faults: &[PageFault], start: u64, pages: u64) -> Vec<&PageFault> {
    let range = start..start + pages * 4096;
    let within = faults.iter().filter(|fault| range.contains(&fault.address));
    within.collect()
}

#[test]
fn touched_pages_are_told_one_by_one() {
    let mut subject = start(&["touch", "1000"]);
    let (address, thread) = subject.said.split_once(' ').unwrap();
    let (address, thread): (u64, u32) = (address.parse().unwrap(), thread.parse().unwrap());
    let before = counted(subject.id());
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    subject.proceed();
    settle(&subject);
    assert!(watch.wait(None).unwrap());
    let changes = watch.changes().unwrap();
    assert_eq!(changes.lost, 0);
    let grown = counted(subject.id()) - before;
    assert_account(&watch, changes.faults.len(), 0, grown);
    let touched = of_range(&changes.faults, address, 1000);
    let addresses: Vec<u64> = touched.iter().map(|fault| fault.address).collect();
    let expected: Vec<u64> = (0..1000).map(|page| address + page * 4096).collect();
    assert_eq!(addresses, expected);
    for fault in &touched {
        assert_eq!((fault.thread, fault.process), (thread, subject.id()));
        assert!(!fault.hard);
        assert_eq!(fault.program_counter, touched[0].program_counter);
    }
    let process = System::new().process(subject.id()).unwrap();
    let code = process.mapped_file(touched[0].program_counter).unwrap();
    assert!(code.unwrap().path.ends_with("subject"));
    assert!(changes.faults.is_sorted_by_key(|fault| fault.time));
    assert!(watch.changes().unwrap().faults.is_empty());
}

#[test]
fn faults_within_system_calls_are_told_to_who_may_see_them() {
    let setting = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap();
    let paranoid = setting.trim().parse::<i32>().unwrap() > 1;
    let program = Program::compile(SUBJECT, &[]);
    let check = |may_see: bool| {
        let mut subject = Subject::start(Command::new(&program.path).args(["read", "1000"]));
        settle(&subject);
        let address = subject.said.parse().unwrap();
        let before = counted(subject.id());
        let Some(mut watch) = watch(subject.id()) else {
            return;
        };
        assert_eq!(watch.is_user_only(), !may_see);
        subject.proceed();
        settle(&subject);
        let changes = watch.changes().unwrap();
        let told = of_range(&changes.faults, address, 1000).len();
        assert_eq!(told, if may_see { 1000 } else { 0 });
        assert!(counted(subject.id()) - before >= 1000);
    };
    as_nobody(|| check(!paranoid));
    match is_root() {
        true => check(true),
        false => skip("needs root to see the kernel's own faults"),
    }
}

#[test]
fn what_is_read_from_disk_is_hard() {
    // Of a file system that has a disk below it, if there is one here.
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR"))
        .or_else(|_| tempfile::tempfile())
        .unwrap();
    std::io::Write::write_all(&mut file, &[1; 64 * 4096]).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let mut subject = start(&["file", "64", "0", &path]);
    let address = subject.said.parse().unwrap();
    let before = counts(subject.id());
    // Of two watches the kernel gives the records of one the ids of the other's.
    let (Some(mut watch), Some(mut other)) = (watch(subject.id()), watch(subject.id())) else {
        return;
    };
    subject.proceed();
    settle(&subject);
    let changes = watch.changes().unwrap();
    let after = counts(subject.id());
    if after[1] == before[1] {
        return skip("no file here has to be read from a disk");
    }
    let hard = |fault: &&PageFault| fault.hard;
    assert_eq!(
        changes.faults.iter().filter(hard).count() as u64,
        after[1] - before[1]
    );
    let of_file = of_range(&changes.faults, address, 64);
    assert!(of_file.len() as u64 <= 64);
    assert!(of_file.iter().any(|fault| fault.hard));
    let kinds = |changes: &PageChanges| -> Vec<(u64, bool)> {
        let kind = |fault: &PageFault| (fault.address, fault.hard);
        changes.faults.iter().map(kind).collect()
    };
    assert_eq!(kinds(&changes), kinds(&other.changes().unwrap()));
    let all = after.iter().sum::<u64>() - before.iter().sum::<u64>();
    assert_account(&watch, changes.faults.len(), changes.lost, all);
}

fn counts_what_did_not_fit(options: WatchOptions) {
    let mut subject = start(&["touch", "20000"]);
    let before = counted(subject.id());
    let Some(mut watch) = watch_with(subject.id(), options) else {
        return;
    };
    assert_eq!(watch.buffer_size(), rustix::param::page_size());
    subject.proceed();
    settle(&subject);
    // Nothing came after what was lost, and so nothing in the buffers tells of it.
    let mut faults = Vec::new();
    let mut lost = watch.changes_into(&mut faults).unwrap();
    assert!(lost > 0 && !faults.is_empty());
    let mut delivered = faults.len();
    lost += watch.changes_into(&mut faults).unwrap();
    delivered += faults.len();
    assert_account(&watch, delivered, lost, counted(subject.id()) - before);
}

#[test]
fn what_did_not_fit_is_counted() {
    counts_what_did_not_fit(WatchOptions::new().buffer_size(1));
}

#[test]
fn what_did_not_fit_is_counted_where_the_kernel_does_not_count_it() {
    counts_what_did_not_fit(WatchOptions::new().buffer_size(1).plainly());
}

/// Reads a watch and adds up.
struct Reader {
    watch: WorkingSetWatch,
    faults: Vec<PageFault>,
    delivered: usize,
    lost: u64,
    last: u64,
}

impl Reader {
    fn new(watch: WorkingSetWatch) -> Self {
        Reader {
            watch,
            faults: Vec::new(),
            delivered: 0,
            lost: 0,
            last: 0,
        }
    }

    fn read(&mut self) {
        self.lost += self.watch.changes_into(&mut self.faults).unwrap();
        self.delivered += self.faults.len();
        for fault in &self.faults {
            assert!(
                fault.time >= self.last,
                "{} after {}",
                fault.time,
                self.last
            );
            self.last = fault.time;
        }
    }
}

fn stops_and_reads(options: WatchOptions) {
    let mut subject = start(&["churn", "64", "4"]);
    let Some(watch) = watch_with(subject.id(), options) else {
        return;
    };
    let before = counted(subject.id());
    let mut reader = Reader::new(watch);
    subject.proceed();
    for _ in 0..100 {
        assert!(reader.watch.wait(None).unwrap());
        reader.read();
    }
    // Until far more has come than a page holds.
    let now = counted(subject.id());
    while counted(subject.id()) < now + 10_000 {
        std::thread::yield_now();
    }
    reader.read();
    assert!(reader.lost > 0);
    subject.proceed();
    settle(&subject);
    reader.read();
    reader.read();
    let grown = counted(subject.id()) - before;
    assert!(reader.delivered > 0 && grown > 10_000);
    assert_account(&reader.watch, reader.delivered, reader.lost, grown);
}

#[test]
fn a_reader_that_stops_for_a_while_is_told_what_it_missed() {
    stops_and_reads(WatchOptions::new().buffer_size(1));
}

#[test]
fn a_reader_that_stops_for_a_while_is_told_it_where_the_kernel_does_not_count() {
    stops_and_reads(WatchOptions::new().buffer_size(1).plainly());
}

fn account(arguments: &[&str], at_least: u64) {
    let mut subject = start(arguments);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    let before = counted(subject.id());
    subject.proceed();
    settle(&subject);
    let changes = watch.changes().unwrap();
    let grown = counted(subject.id()) - before;
    assert!(grown >= at_least);
    assert!(changes.faults.len() as u64 + changes.lost >= at_least);
    assert_account(&watch, changes.faults.len(), changes.lost, grown);
    assert!(changes.faults.is_sorted_by_key(|fault| fault.time));
    assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
}

#[test]
fn threads_from_before_and_from_later_are_watched() {
    account(&["threads-before", "100", "64"], 6400);
    account(&["threads-later", "100", "64"], 6400);
}

#[test]
fn threads_that_start_while_a_watch_begins_are_watched_once() {
    let program = Program::compile(SUBJECT, &[]);
    let arguments = ["threads-meanwhile", "10", "200"];
    let mut subject = Subject::start(Command::new(&program.path).args(arguments));
    // It is starting them now.
    let Some(watch) = watch(subject.id()) else {
        return;
    };
    subject.proceed();
    settle(&subject);
    let mut reader = Reader::new(watch);
    reader.read();
    let before = counted(subject.id());
    let read = reader.delivered;
    subject.proceed();
    settle(&subject);
    reader.read();
    let grown = counted(subject.id()) - before;
    assert!(grown >= 2000);
    assert_eq!(reader.lost, 0);
    assert_account(&reader.watch, reader.delivered - read, 0, grown);
}

#[test]
fn a_forked_child_is_watched_only_if_asked_for() {
    let with_children = options().children(true);
    for (children, options) in [
        (false, options()),
        (false, options().plainly()),
        (true, with_children),
        (true, with_children.plainly()),
    ] {
        let mut subject = start(&["fork", "1000"]);
        let before = counted(subject.id());
        let Some(mut watch) = watch_with(subject.id(), options) else {
            return;
        };
        subject.proceed();
        settle(&subject);
        let child: u32 = subject.said.parse().unwrap();
        let changes = watch.changes().unwrap();
        let (own, others): (Vec<&PageFault>, Vec<_>) = changes
            .faults
            .iter()
            .partition(|fault| fault.process == subject.id());
        let grown = counted(subject.id()) - before;
        assert_account(&watch, own.len(), changes.lost, grown);
        assert!(others.iter().all(|fault| fault.process.get() == child));
        match children {
            true => assert!(others.len() >= 1000),
            false => assert!(others.is_empty()),
        }
    }
}

#[test]
fn a_program_is_watched_from_its_first_instruction() {
    let program = Program::compile(SUBJECT, &[]);
    let script = "echo ready; read line; exec \"$0\" touch 100";
    let mut command = Command::new("sh");
    let mut subject = Subject::start(command.args(["-c", script]).arg(&program.path));
    settle(&subject);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    subject.proceed();
    let (address, _) = subject.said.split_once(' ').unwrap();
    let address = address.parse().unwrap();
    subject.proceed();
    settle(&subject);
    let changes = watch.changes().unwrap();
    assert_eq!(of_range(&changes.faults, address, 100).len(), 100);
    // The dynamic linker's entry point is where it begins.
    let process = System::new().process(subject.id()).unwrap();
    let modules = process.modules(psapi::ModuleFilter::All).unwrap();
    let linker = modules.iter().find_map(|module| {
        let name = module.path.file_name()?.to_str()?;
        name.starts_with("ld").then_some(module.entry_point?)
    });
    if let Some(entry) = linker {
        let first = |fault: &PageFault| fault.program_counter == entry;
        assert!(changes.faults.iter().any(first), "{entry:#x}");
    }
}

#[test]
fn two_watches_tell_the_same() {
    let mut subject = start(&["touch", "300"]);
    let (Some(mut one), Some(mut other)) = (watch(subject.id()), watch(subject.id())) else {
        return;
    };
    subject.proceed();
    settle(&subject);
    let without_times = |changes: PageChanges| {
        let what = |fault: &PageFault| (fault.address, fault.program_counter, fault.thread);
        let faults: Vec<_> = changes.faults.iter().map(what).collect();
        (faults, changes.lost)
    };
    let told = without_times(one.changes().unwrap());
    assert!(told.0.len() >= 300);
    assert_eq!(told, without_times(other.changes().unwrap()));
    // Nor does the end of one end the other.
    drop(one);
    subject.proceed();
    subject.reap();
    assert!(other.has_ended().unwrap());
}

#[test]
fn a_wait_ends_with_changes_or_with_the_process_or_in_time() {
    let mut subject = start(&["touch", "10"]);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
    assert!(!watch.wait(Some(Duration::from_millis(20))).unwrap());
    subject.proceed();
    assert!(watch.wait(Some(Duration::MAX)).unwrap());
    settle(&subject);
    assert!(watch.changes().unwrap().faults.len() >= 10);
    assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
    assert!(!watch.has_ended().unwrap());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.wait(None).unwrap());
        subject.kill();
        assert!(waiting.join().unwrap());
    });
    assert!(watch.has_ended().unwrap());
    assert!(watch.wait(None).unwrap());
}

#[test]
fn the_descriptor_is_ready_with_changes_and_with_the_end() {
    let mut subject = start(&["touch", "10"]);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    let ready = |watch: &WorkingSetWatch, timeout: Option<Timespec>| {
        let mut fds = [PollFd::new(watch, PollFlags::IN)];
        poll(&mut fds, timeout.as_ref()).unwrap();
        assert_eq!(fds[0].revents(), PollFlags::IN);
    };
    subject.proceed();
    settle(&subject);
    let mut found = 0;
    while found < 10 {
        ready(&watch, None);
        found += watch.changes().unwrap().faults.len();
    }
    subject.reap();
    while !watch.has_ended().unwrap() {
        ready(&watch, None);
    }
    watch.changes().unwrap();
    ready(&watch, Some(Timespec::default()));
}

#[test]
fn what_a_process_did_before_it_ended_is_told() {
    let mut subject = start(&["touch", "500"]);
    let before = counted(subject.id());
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    let process = System::new().process(subject.id()).unwrap();
    subject.proceed();
    subject.kill();
    assert!(watch.has_ended().unwrap());
    let grown = counted(subject.id()) - before;
    subject.reap();
    let changes = watch.changes().unwrap();
    assert!(changes.faults.len() >= 500);
    assert_account(&watch, changes.faults.len(), changes.lost, grown);
    assert_eq!(watch.changes().unwrap(), PageChanges::default());
    let error = process.watch_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
}

#[test]
fn a_zombie_is_not_watched() {
    let mut subject = start(&["touch", "1"]);
    let process = System::new().process(subject.id()).unwrap();
    subject.kill();
    let error = process.watch_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
}

#[test]
fn who_may_not_watch_is_told_what_would_allow_it() {
    if !is_root() {
        return skip("needs root for processes of others and for kernel threads");
    }
    let subject = start(&["touch", "1"]);
    let process = System::new().process(subject.id()).unwrap();
    let error = as_nobody(|| process.watch_working_set().unwrap_err());
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    let text = error.to_string();
    for name in [
        "perf_event_open",
        "kernel.perf_event_paranoid",
        "CAP_PERFMON",
        "CAP_SYS_PTRACE",
    ] {
        assert!(text.contains(name), "{text}");
    }
    if let Ok(kthreadd) = System::new().process(2)
        && kthreadd.status(Fields::STAT).unwrap().kernel_thread == Some(true)
    {
        let error = kthreadd.watch_working_set().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoAddressSpace);
    }
}

#[test]
fn what_a_system_elsewhere_lacks_is_told() {
    let subject = start(&["touch", "1"]);
    let tree = Tree::new().process(subject.id().get(), "other");
    // The ids there are not those that system calls know.
    let process = tree.as_proc().process(subject.id()).unwrap();
    let error = process.watch_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.to_string().contains("pid namespace"), "{error}");

    let system = System::builder().sys_root(tree.path()).build();
    let process = system.process(subject.id()).unwrap();
    let error = process.watch_working_set().unwrap_err();
    assert!(error.source_path().ends_with("devices/system/cpu"));
}
