//! Memory counters, compared with the memory that a test process allocates.

#[cfg(target_os = "linux")]
use psapi::Fields;
use psapi::System;

#[cfg(target_os = "linux")]
use testing::proc_file;
#[cfg(target_os = "linux")]
use testing::rollup::lag;
use testing::{Program, programs};

/// Returns how far the kernel's counters lag behind; Windows' counters do not.
#[cfg(windows)]
fn lag() -> u64 {
    0
}

const MIB: u64 = 1 << 20;

/// Returns true under Wine, which shows the host's files on this drive.
fn is_wine() -> bool {
    cfg!(windows) && std::path::Path::new("Z:\\proc").exists()
}

#[test]
fn counters_follow_memory_changes() {
    let program = Program::compile(programs::MEMORY_STEPS, &[]);
    let mut subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    let start = process.memory_counters().unwrap();

    subject.resume();
    let reserved = process.memory_counters().unwrap();
    // Wine counts only the commit of pages in RAM.
    let committed = reserved.commit - start.commit;
    assert!(committed == 256 * MIB || is_wine(), "{committed}");
    let reserved_size = reserved.virtual_size - start.virtual_size;
    // The 32-bit address space of a process on 64 bits is reserved from the start.
    let is_reserved = is_wine() && reserved_size == 0;
    // Wine sometimes reserves 2 MiB for itself meanwhile.
    let others = if is_wine() { 4 * MIB } else { 2 * MIB };
    assert!(
        is_reserved || (256 * MIB..256 * MIB + others).contains(&reserved_size),
        "{reserved_size}"
    );
    assert!(reserved.working_set - start.working_set < MIB + lag());

    subject.resume();
    let touched = process.memory_counters().unwrap();
    let committed = touched.commit - reserved.commit;
    assert!((64 * MIB..65 * MIB).contains(&committed), "{committed}");
    let grown = touched.working_set - reserved.working_set;
    assert!((64 * MIB - lag()..65 * MIB).contains(&grown), "{grown}");
    if let (Some(touched), Some(reserved)) = (touched.rss_anon, reserved.rss_anon) {
        let grown = touched - reserved;
        assert!((64 * MIB - lag()..65 * MIB).contains(&grown), "{grown}");
    }

    subject.resume();
    let shared = process.memory_counters().unwrap();
    let grown = shared.working_set - touched.working_set;
    assert!((32 * MIB - lag()..33 * MIB).contains(&grown), "{grown}");
    assert!(shared.commit.abs_diff(touched.commit) < MIB || is_wine());

    subject.resume();
    let released = process.memory_counters().unwrap();
    let fallen = shared.working_set - released.working_set;
    assert!((63 * MIB..=65 * MIB).contains(&fallen), "{fallen}");
    // Linux' peak lags by a batch of pages per CPU and kind of page.
    let batches = 3 * 128 * 4096 * std::thread::available_parallelism().unwrap().get() as u64;
    assert!(released.peak_virtual_size >= shared.virtual_size);
    for counters in [start, reserved, touched, shared, released] {
        assert!(counters.peak_working_set >= counters.working_set);
    }
    let peak = released.peak_working_set;
    #[cfg(target_os = "linux")]
    {
        assert_eq!(released.peak_virtual_size, shared.virtual_size);
        assert!(peak + batches >= shared.working_set);
        assert!(peak >= released.working_set + 60 * MIB);
        let faults = touched.faults.minor.unwrap() - reserved.faults.minor.unwrap();
        assert!((16384..16384 + 64).contains(&faults), "{faults}");
        assert!(touched.page_tables.unwrap() >= reserved.page_tables.unwrap() + 32 * 4096);
        let grown = shared.rss_shmem.unwrap() - touched.rss_shmem.unwrap();
        assert!((32 * MIB - lag()..=32 * MIB).contains(&grown), "{grown}");

        subject.resume();
        assert_eq!(process.memory_counters().unwrap().locked, Some(16384));
        for counters in [start, reserved, touched, shared, released] {
            let parts = [counters.rss_anon, counters.rss_file, counters.rss_shmem];
            let parts: u64 = parts.into_iter().map(Option::unwrap).sum();
            assert_eq!(parts, counters.working_set);
            assert_eq!((counters.peak_commit, counters.paged_pool), (None, 0));
        }
    }
    #[cfg(windows)]
    {
        // Wine records no peaks.
        assert!(peak + batches >= released.working_set);
        assert!(released.peak_commit.is_some());
    }
}

#[test]
fn ended_process_has_no_memory() {
    let mut subject = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(subject.id()).unwrap();
    assert!(process.memory_counters().unwrap().working_set > 0);
    subject.kill();
    let error = process.memory_counters().unwrap_err();
    assert_eq!(error.kind(), psapi::ErrorKind::Ended, "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_memory_grows_with_threads() {
    let program = Program::compile(programs::STARTS_50_THREADS, &[]);
    let mut subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    let before = process.memory_counters().unwrap();
    subject.resume();
    let after = process.memory_counters().unwrap();
    if let (Some(before_pool), Some(after_pool)) = (before.nonpaged_pool, after.nonpaged_pool) {
        let stacks =
            (after_pool - after.page_tables.unwrap()) - (before_pool - before.page_tables.unwrap());
        assert_eq!(stacks % 50, 0);
        // `meminfo` has only the sum of all stacks. The stack of one thread has a few pages.
        assert!((4096..=64 * 1024).contains(&(stacks / 50)), "{stacks}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_stack_size_matches_meminfo() {
    // Starts threads and observes `KernelStack` in `meminfo`, the size of all kernel stacks.
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
        (pool - counters.page_tables.unwrap()) / u64::from(threads)
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
    // Other processes start threads as well, and the kernel caches stacks: allow a factor of two.
    assert!(
        grown / 400 > one / 2 && grown / 400 < one * 2,
        "{grown} bytes for 400 threads, expected {one} each"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn exact_memory_distinguishes_shared_pages() {
    let program = Program::compile(programs::SHARES_WITH_CHILD, &[]);
    let subject = program.start();
    let child: u32 = subject.line.parse().unwrap();
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

#[cfg(target_os = "linux")]
#[test]
fn capture_matches_proc_files() {
    let program = Program::compile(programs::WAITS, &[]);
    // A sleeping process keeps its counters.
    let subject = program.start();
    subject.wait_for_sleep();
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
    assert_eq!(memory.rss_file, Some(line("RssFile:")));
    assert_eq!(memory.page_tables, Some(line("VmPTE:")));
    let rollup = String::from_utf8(proc_file(subject.id(), "smaps_rollup")).unwrap();
    let pss = rollup
        .lines()
        .find(|line| line.starts_with("Pss:"))
        .unwrap();
    let pss: u64 = pss.split_whitespace().nth(1).unwrap().parse().unwrap();
    let exact = capture.process(subject.id()).unwrap().exact.unwrap();
    // Other processes map and unmap the C library, which changes PSS.
    assert!(exact.pss.abs_diff(pss * 1024) < MIB);
}
