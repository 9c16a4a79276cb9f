//! Watches of page faults, compared with faults that a test process causes and, on Linux, the kernel
//! counts.

#[cfg(target_os = "linux")]
mod linux;

use std::process::Command;
use std::time::Duration;

#[cfg(target_os = "linux")]
use psapi::WatchOptions;
use psapi::{ErrorKind, PageFault, ProcessId, System, WorkingSetWatch};

use testing::refused::{is_touched, records_faults, touched};
use testing::{Program, TestProcess, programs};

#[cfg(target_os = "linux")]
use linux::{assert_account, counted, wait_for_sleep, watch_with};

fn start(arguments: &[&str]) -> TestProcess {
    let program = Program::compile(programs::FAULTS, &[]);
    let subject = TestProcess::start(Command::new(&program.path).args(arguments));
    wait_for_sleep(&subject);
    subject
}

/// The programs for Windows print a line after their work.
#[cfg(windows)]
fn wait_for_sleep(_: &TestProcess) {}

/// Returns options with small buffers, so that concurrent tests stay below the limit of locked
/// memory.
#[cfg(target_os = "linux")]
fn options() -> WatchOptions {
    WatchOptions::new().buffer_size(512 << 10)
}

/// Starts a watch. Returns `None`, and skips, if an unprivileged caller is denied.
#[cfg(target_os = "linux")]
fn watch(id: ProcessId) -> Option<WorkingSetWatch> {
    watch_with(id, options())
}

/// Starts a watch. Returns `None`, and skips, if Wine refuses it.
#[cfg(windows)]
fn watch(id: ProcessId) -> Option<WorkingSetWatch> {
    let process = System::new().process(id).unwrap();
    records_faults().then(|| process.watch_working_set().unwrap())
}

/// The faults that the kernel counts for a process from now on. Wine counts none.
struct Account {
    #[cfg(target_os = "linux")]
    process: ProcessId,
    #[cfg(target_os = "linux")]
    before: u64,
}

impl Account {
    #[cfg(target_os = "linux")]
    fn begin(process: ProcessId) -> Self {
        let before = counted(process);
        Account { process, before }
    }

    /// Asserts that delivered and lost faults add up to the kernel's count.
    #[cfg(target_os = "linux")]
    #[track_caller]
    fn check(&self, watch: &WorkingSetWatch, delivered: usize, lost: u64) {
        let grown = counted(self.process) - self.before;
        assert_account(watch, delivered, lost, grown);
    }

    #[cfg(windows)]
    fn begin(_: ProcessId) -> Self {
        Account {}
    }

    #[cfg(windows)]
    fn check(&self, _: &WorkingSetWatch, _: usize, _: u64) {}
}

fn of_range(faults: &[PageFault], start: u64, pages: u64) -> Vec<&PageFault> {
    let range = start..start + pages * 4096;
    let within = faults.iter().filter(|fault| range.contains(&fault.address));
    within.collect()
}

#[test]
fn records_each_touched_page() {
    let mut subject = start(&["touch", "1000"]);
    let (address, thread) = subject.line.split_once(' ').unwrap();
    let (address, thread): (u64, u32) = (address.parse().unwrap(), thread.parse().unwrap());
    let account = Account::begin(subject.id());
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    subject.resume();
    wait_for_sleep(&subject);
    assert!(watch.wait(None).unwrap());
    let changes = watch.changes().unwrap();
    assert_eq!(changes.lost, 0);
    account.check(&watch, changes.faults.len(), 0);
    let touched = of_range(&changes.faults, address, 1000);
    let addresses: Vec<u64> = touched.iter().map(|fault| fault.address).collect();
    let expected = (0..1000).filter(|&page| is_touched(page));
    let expected: Vec<u64> = expected.map(|page| address + page * 4096).collect();
    assert_eq!(addresses, expected);
    // The stand-in knows neither the thread nor the instruction.
    let (thread, code) = match cfg!(windows) {
        true => (subject.id().get() + 4, address),
        false => (thread, touched[0].program_counter),
    };
    for fault in &touched {
        assert_eq!((fault.thread, fault.process), (thread, subject.id()));
        assert_eq!(fault.program_counter, code);
    }
    #[cfg(target_os = "linux")]
    {
        assert!(!touched.iter().any(|fault| fault.major));
        let process = System::new().process(subject.id()).unwrap();
        let code = process.mapped_file(code).unwrap();
        assert!(code.unwrap().path.ends_with("subject"));
        assert!(changes.faults.is_sorted_by_key(|fault| fault.time));
    }
    assert!(watch.changes().unwrap().faults.is_empty());
}

#[cfg(windows)]
#[test]
fn overflow_is_counted() {
    let mut subject = start(&["touch", "20000"]);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    assert_overflow_is_counted(&mut subject, &mut watch);
}

#[cfg(target_os = "linux")]
#[test]
fn overflow_is_counted() {
    linux::assert_small_buffer_overflows(WatchOptions::new().buffer_size(1));
}

/// Touches more pages than a record holds.
fn assert_overflow_is_counted(subject: &mut TestProcess, watch: &mut WorkingSetWatch) {
    let account = Account::begin(subject.id());
    subject.resume();
    wait_for_sleep(subject);
    // Nothing follows the loss, so the buffers hold no record of it.
    let mut faults = Vec::new();
    let mut lost = watch.changes_into(&mut faults).unwrap();
    assert!(lost > 0 && !faults.is_empty());
    let mut delivered = faults.len();
    lost += watch.changes_into(&mut faults).unwrap();
    delivered += faults.len();
    assert!(delivered as u64 + lost >= touched(20_000));
    account.check(watch, delivered, lost);
}

fn assert_threads_are_watched(arguments: &[&str], pages: u64) {
    let mut subject = start(arguments);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    let account = Account::begin(subject.id());
    subject.resume();
    wait_for_sleep(&subject);
    let changes = watch.changes().unwrap();
    assert!(changes.faults.len() as u64 + changes.lost >= touched(pages));
    account.check(&watch, changes.faults.len(), changes.lost);
    #[cfg(target_os = "linux")]
    assert!(changes.faults.is_sorted_by_key(|fault| fault.time));
    assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
}

#[test]
fn watches_old_and_new_threads() {
    assert_threads_are_watched(&["threads-before", "100", "64"], 6400);
    assert_threads_are_watched(&["threads-later", "100", "64"], 6400);
}

#[test]
fn wait_ends_on_changes_or_exit() {
    let mut subject = start(&["touch", "10"]);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
    assert!(!watch.wait(Some(Duration::from_millis(20))).unwrap());
    subject.resume();
    assert!(watch.wait(Some(Duration::MAX)).unwrap());
    wait_for_sleep(&subject);
    assert!(watch.changes().unwrap().faults.len() as u64 >= touched(10));
    assert!(!watch.wait(Some(Duration::ZERO)).unwrap());
    assert!(!watch.has_ended().unwrap());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.wait(None).unwrap());
        subject.kill();
        assert!(waiting.join().unwrap());
    });
    assert!(watch.has_ended().unwrap());
    assert!(watch.wait(None).unwrap());
    watch.changes().unwrap();
}

#[test]
fn zombie_is_not_watched() {
    if !records_faults() {
        return;
    }
    let mut subject = start(&["touch", "1"]);
    let process = System::new().process(subject.id()).unwrap();
    subject.kill();
    let error = process.watch_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ended);
}
