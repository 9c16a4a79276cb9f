//! Memory counters, against memory that the tests arrange.

mod support;

use psapi::{Fields, System};

use support::child::{Program, proc_file};
use support::rollup::lag;

const MIB: u64 = 1 << 20;

#[test]
fn counters_follow_what_the_process_does() {
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        static void next(const char *s) { puts(s); fflush(stdout); getchar(); }
        static char *map(size_t n, int prot, int flags) {
            char *p = mmap(0, n, prot, flags | MAP_ANONYMOUS, -1, 0);
            if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
            madvise(p, n, MADV_NOHUGEPAGE);
            return p;
        }
        int main(void) {
            next("start");
            char *untouched = map(256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
            next("reserved");
            char *touched = map(64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
            for (size_t i = 0; i < 64 << 20; i += 4096) touched[i] = 1;
            next("touched");
            char *shared = map(32 << 20, PROT_READ | PROT_WRITE, MAP_SHARED);
            memset(shared, 1, 32 << 20);
            next("shared");
            munmap(touched, 64 << 20);
            next("released");
            if (mlock(untouched, 16384)) _Exit(1);
            next("locked");
            return 0;
        }"#,
        &[],
    );
    let mut subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    let start = process.memory_counters().unwrap();

    subject.proceed();
    let reserved = process.memory_counters().unwrap();
    assert_eq!(reserved.commit - start.commit, 256 * MIB);
    assert_eq!(reserved.virtual_size - start.virtual_size, 256 * MIB);
    assert!(reserved.working_set - start.working_set < MIB + lag());

    subject.proceed();
    let touched = process.memory_counters().unwrap();
    assert_eq!(touched.commit - reserved.commit, 64 * MIB);
    let grown = touched.rss_anon - reserved.rss_anon;
    assert!((64 * MIB - lag()..65 * MIB).contains(&grown), "{grown}");
    let faults = touched.faults.minor - reserved.faults.minor;
    assert!((16384..16384 + 64).contains(&faults), "{faults}");
    assert!(touched.page_tables >= reserved.page_tables + 32 * 4096);

    subject.proceed();
    let shared = process.memory_counters().unwrap();
    let grown = shared.rss_shmem - touched.rss_shmem;
    assert!((32 * MIB - lag()..=32 * MIB).contains(&grown), "{grown}");
    assert_eq!(shared.commit, touched.commit);

    subject.proceed();
    let released = process.memory_counters().unwrap();
    let fallen = shared.rss_anon - released.rss_anon;
    assert!((63 * MIB..=65 * MIB).contains(&fallen), "{fallen}");
    // The kernel's notion of a peak lags by its counters' batches, a processor and a kind of page.
    let lag = 3 * 128 * 4096 * std::thread::available_parallelism().unwrap().get() as u64;
    assert!(released.peak_working_set + lag >= shared.working_set);
    assert!(released.peak_working_set >= released.working_set + 60 * MIB);
    assert_eq!(released.peak_virtual_size, shared.virtual_size);

    subject.proceed();
    assert_eq!(process.memory_counters().unwrap().locked, 16384);
    for counters in [start, reserved, touched, shared, released] {
        let parts = counters.rss_anon + counters.rss_file + counters.rss_shmem;
        assert_eq!(parts, counters.working_set);
        assert!(counters.peak_working_set >= counters.working_set);
        assert_eq!((counters.peak_commit, counters.paged_pool), (None, 0));
    }
}

#[test]
fn kernel_memory_grows_with_threads() {
    let program = Program::compile(
        r#"
        #include <pthread.h>
        #include <stdio.h>
        #include <unistd.h>
        static void *wait_forever(void *p) { for (;;) pause(); return p; }
        int main(void) {
            pthread_t t;
            puts("start"); fflush(stdout); getchar();
            for (int i = 0; i < 50; i++) pthread_create(&t, 0, wait_forever, 0);
            puts("threads"); fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let mut subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    let before = process.memory_counters().unwrap();
    subject.proceed();
    let after = process.memory_counters().unwrap();
    if let (Some(before_pool), Some(after_pool)) = (before.nonpaged_pool, after.nonpaged_pool) {
        let stacks = (after_pool - after.page_tables) - (before_pool - before.page_tables);
        assert_eq!(stacks % 50, 0);
        // The kernel's own account of all stacks is per system; a thread's stack is some pages.
        assert!((4096..=64 * 1024).contains(&(stacks / 50)), "{stacks}");
    }
}

#[test]
fn the_kernel_stack_is_as_large_as_the_kernel_counts_it() {
    // KernelStack of meminfo is the stacks of all threads; a burst of threads moves it.
    let stacks = || {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("KernelStack:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    };
    let process = System::new().current_process().unwrap();
    let one = {
        let counters = process.memory_counters().unwrap();
        let threads = process.status(Fields::STAT).unwrap().threads.unwrap();
        let Some(pool) = counters.nonpaged_pool else {
            return;
        };
        (pool - counters.page_tables) / u64::from(threads)
    };
    let before = stacks();
    let (stop, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let threads: Vec<_> = (0..400)
        .map(|_| {
            let wait = wait.clone();
            std::thread::spawn(move || drop(wait.lock().map(|wait| wait.recv())))
        })
        .collect();
    let grown = stacks().saturating_sub(before);
    drop(stop);
    for thread in threads {
        thread.join().unwrap();
    }
    // Others start and end threads meanwhile, and the kernel keeps some stacks: to a power of two.
    assert!(
        grown / 400 > one / 2 && grown / 400 < one * 2,
        "{grown} for 400, not {one} each"
    );
}

#[test]
fn exact_figures_tell_private_from_shared() {
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <unistd.h>
        #include <signal.h>
        #include <sys/prctl.h>
        int main(void) {
            char *shared = mmap(0, 32 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            memset(shared, 1, 32 << 20);
            if (fork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                char *own = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                memset(own, 1, 8 << 20);
                volatile char sum = 0;
                for (int i = 0; i < 32 << 20; i += 4096) sum += shared[i];
                printf("%d\n", getpid()); fflush(stdout); for (;;) pause();
            }
            for (;;) pause();
        }"#,
        &[],
    );
    let subject = program.start();
    let child: u32 = subject.said.parse().unwrap();
    let system = System::new();
    let parent = system
        .process(subject.id())
        .unwrap()
        .exact_memory()
        .unwrap();
    let exact = system.process(child).unwrap().exact_memory().unwrap();
    assert_eq!(exact.pss_shmem, Some(16 * MIB));
    assert!((8 * MIB..9 * MIB).contains(&exact.uss), "{exact:?}");
    assert!(parent.uss < MIB, "{parent:?}");
    assert!(exact.shared >= 32 * MIB && exact.rss >= exact.shared + exact.uss);
    assert_eq!(exact.rss, exact.shared + exact.uss);
}

#[test]
fn a_capture_says_what_the_kernel_says() {
    let program = Program::compile(
        r#"#include <stdio.h>
        int main(void) { puts("ready"); fflush(stdout); getchar(); return 0; }"#,
        &[],
    );
    // It sleeps, so that its figures stand still.
    let subject = program.start();
    subject.settle();
    let capture = System::new()
        .capture(Fields::MEMORY | Fields::EXACT)
        .unwrap();
    let memory = capture.process(subject.id()).unwrap().memory.unwrap();
    let text = String::from_utf8(proc_file(subject.id(), "status")).unwrap();
    let line = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    };
    assert_eq!(memory.working_set, line("VmRSS:"));
    assert_eq!(memory.peak_working_set, line("VmHWM:"));
    assert_eq!(memory.commit, line("VmData:") + line("VmStk:"));
    assert_eq!(memory.virtual_size, line("VmSize:"));
    assert_eq!(memory.rss_file, line("RssFile:"));
    assert_eq!(memory.page_tables, line("VmPTE:"));
    let rollup = String::from_utf8(proc_file(subject.id(), "smaps_rollup")).unwrap();
    let pss = rollup
        .lines()
        .find(|line| line.starts_with("Pss:"))
        .unwrap();
    let pss: u64 = pss.split_whitespace().nth(1).unwrap().parse().unwrap();
    let exact = capture.process(subject.id()).unwrap().exact.unwrap();
    // Other processes come and go and share the C library's pages meanwhile.
    assert!(exact.pss.abs_diff(pss * 1024) < MIB);
}
