//! What only Linux has: counts of faults, major faults, faults in kernel mode, several watches,
//! children, and required privileges.

use std::os::fd::AsRawFd as _;
use std::process::Command;

use psapi::{
    ErrorKind, Fields, PageChanges, PageFault, ProcessId, System, WatchOptions, WorkingSetWatch,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use testing::privilege::{is_root, unprivileged};
use testing::tree::Tree;
use testing::{Program, TestProcess, proc_file, programs, skip};

use crate::{assert_overflow_is_counted, of_range, options, start, watch};

/// Waits until all threads of a process sleep.
pub fn wait_for_sleep(subject: &TestProcess) {
    let tasks = format!("/proc/{}/task", subject.id());
    let sleeps = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.unwrap().path().join("stat"));
        stat.is_ok_and(|stat| stat.contains(") S "))
    };
    while !std::fs::read_dir(&tasks).unwrap().all(sleeps) {
        std::thread::yield_now();
    }
}

/// Starts a watch. Returns `None`, and skips, if an unprivileged caller is denied.
pub fn watch_with(id: ProcessId, options: WatchOptions) -> Option<WorkingSetWatch> {
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

/// Returns the minor and major faults that the kernel counted for the process, including its exited
/// threads.
fn counts(id: ProcessId) -> [u64; 2] {
    let stat = String::from_utf8(proc_file(id, "stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    // The state is the third field.
    [10, 12].map(|field| fields[field - 3].parse().unwrap())
}

pub fn counted(id: ProcessId) -> u64 {
    counts(id).iter().sum()
}

/// Asserts that delivered and lost faults add up to the kernel's count.
#[track_caller]
pub fn assert_account(watch: &WorkingSetWatch, delivered: usize, lost: u64, counted: u64) {
    let recorded = delivered as u64 + lost;
    if watch.is_user_only() {
        assert!(
            recorded <= counted,
            "{delivered} + {lost}, counted {counted}"
        )
    } else {
        assert_eq!(recorded, counted, "{delivered} + {lost}")
    }
}

#[test]
fn kernel_mode_faults_need_privilege() {
    let setting = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap();
    let paranoid = setting.trim().parse::<i32>().unwrap() > 1;
    let program = Program::compile(programs::FAULTS, &[]);
    let check = |may_see: bool| {
        let mut subject = TestProcess::start(Command::new(&program.path).args(["read", "1000"]));
        wait_for_sleep(&subject);
        let address = subject.line.parse().unwrap();
        let before = counted(subject.id());
        let Some(mut watch) = watch(subject.id()) else {
            return;
        };
        assert_eq!(watch.is_user_only(), !may_see);
        subject.resume();
        wait_for_sleep(&subject);
        let changes = watch.changes().unwrap();
        let recorded = of_range(&changes.faults, address, 1000).len();
        assert_eq!(recorded, if may_see { 1000 } else { 0 });
        assert!(counted(subject.id()) - before >= 1000);
    };
    unprivileged(|| check(!paranoid));
    if is_root() {
        check(true)
    } else {
        skip("needs root to record faults in kernel mode")
    }
}

#[test]
fn disk_reads_are_major_faults() {
    // Prefers a file system on a disk.
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR"))
        .or_else(|_| tempfile::tempfile())
        .unwrap();
    std::io::Write::write_all(&mut file, &[1; 64 * 4096]).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let mut subject = start(&["file", "64", "0", &path]);
    let address = subject.line.parse().unwrap();
    let before = counts(subject.id());
    // With two watches, the kernel puts event ids of one watch into records of the other.
    let (Some(mut watch), Some(mut other)) = (watch(subject.id()), watch(subject.id())) else {
        return;
    };
    subject.resume();
    wait_for_sleep(&subject);
    let changes = watch.changes().unwrap();
    let after = counts(subject.id());
    if after[1] == before[1] {
        return skip("no file system on a disk for major faults");
    }
    let major = |fault: &&PageFault| fault.major;
    assert_eq!(
        changes.faults.iter().filter(major).count() as u64,
        after[1] - before[1]
    );
    let of_file = of_range(&changes.faults, address, 64);
    assert!(of_file.len() as u64 <= 64);
    assert!(of_file.iter().any(|fault| fault.major));
    let kinds = |changes: &PageChanges| -> Vec<(u64, bool)> {
        let kind = |fault: &PageFault| (fault.address, fault.major);
        changes.faults.iter().map(kind).collect()
    };
    assert_eq!(kinds(&changes), kinds(&other.changes().unwrap()));
    let all = after.iter().sum::<u64>() - before.iter().sum::<u64>();
    assert_account(&watch, changes.faults.len(), changes.lost, all);
}

/// Asserts that a process causes more faults than the smallest buffers hold.
pub fn assert_small_buffer_overflows(options: WatchOptions) {
    let mut subject = start(&["touch", "20000"]);
    let Some(mut watch) = watch_with(subject.id(), options) else {
        return;
    };
    assert_eq!(watch.buffer_size(), rustix::param::page_size());
    assert_overflow_is_counted(&mut subject, &mut watch);
}

#[test]
fn overflow_is_counted_without_kernel_support() {
    assert_small_buffer_overflows(WatchOptions::new().buffer_size(1).legacy_perf());
}

/// A watch with the sums of all reads.
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

fn assert_pause_is_counted(options: WatchOptions) {
    let mut subject = start(&["churn", "64", "4"]);
    let Some(watch) = watch_with(subject.id(), options) else {
        return;
    };
    let before = counted(subject.id());
    let mut reader = Reader::new(watch);
    subject.resume();
    for _ in 0..100 {
        assert!(reader.watch.wait(None).unwrap());
        reader.read();
    }
    // Waits until far more faults have happened than a page can hold.
    let now = counted(subject.id());
    while counted(subject.id()) < now + 10_000 {
        std::thread::yield_now();
    }
    reader.read();
    assert!(reader.lost > 0);
    subject.resume();
    wait_for_sleep(&subject);
    reader.read();
    reader.read();
    let grown = counted(subject.id()) - before;
    assert!(reader.delivered > 0 && grown > 10_000);
    assert_account(&reader.watch, reader.delivered, reader.lost, grown);
}

#[test]
fn paused_reader_learns_of_losses() {
    assert_pause_is_counted(WatchOptions::new().buffer_size(1));
}

#[test]
fn paused_reader_without_kernel_support() {
    assert_pause_is_counted(WatchOptions::new().buffer_size(1).legacy_perf());
}

#[test]
fn concurrent_threads_are_watched_once() {
    let program = Program::compile(programs::FAULTS, &[]);
    let arguments = ["threads-meanwhile", "10", "200"];
    let mut subject = TestProcess::start(Command::new(&program.path).args(arguments));
    // The process is starting its threads now.
    let Some(watch) = watch(subject.id()) else {
        return;
    };
    subject.resume();
    wait_for_sleep(&subject);
    let mut reader = Reader::new(watch);
    reader.read();
    let before = counted(subject.id());
    let read = reader.delivered;
    subject.resume();
    wait_for_sleep(&subject);
    reader.read();
    let grown = counted(subject.id()) - before;
    assert!(grown >= 2000);
    assert_eq!(reader.lost, 0);
    assert_account(&reader.watch, reader.delivered - read, 0, grown);
}

#[test]
fn children_are_watched_on_request() {
    let with_children = options().children(true);
    for (children, options) in [
        (false, options()),
        (false, options().legacy_perf()),
        (true, with_children),
        (true, with_children.legacy_perf()),
    ] {
        let mut subject = start(&["fork", "1000"]);
        let before = counted(subject.id());
        let Some(mut watch) = watch_with(subject.id(), options) else {
            return;
        };
        subject.resume();
        wait_for_sleep(&subject);
        let child: u32 = subject.line.parse().unwrap();
        let changes = watch.changes().unwrap();
        let (own, others): (Vec<&PageFault>, Vec<_>) = changes
            .faults
            .iter()
            .partition(|fault| fault.process == subject.id());
        let grown = counted(subject.id()) - before;
        assert_account(&watch, own.len(), changes.lost, grown);
        assert!(others.iter().all(|fault| fault.process.get() == child));
        if children {
            assert!(others.len() >= 1000)
        } else {
            assert!(others.is_empty())
        }
    }
}

#[test]
fn watches_from_first_instruction() {
    let program = Program::compile(programs::FAULTS, &[]);
    let script = "echo ready; read line; exec \"$0\" touch 100";
    let mut command = Command::new("sh");
    let mut subject = TestProcess::start(command.args(["-c", script]).arg(&program.path));
    wait_for_sleep(&subject);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    subject.resume();
    let (address, _) = subject.line.split_once(' ').unwrap();
    let address = address.parse().unwrap();
    subject.resume();
    wait_for_sleep(&subject);
    let changes = watch.changes().unwrap();
    assert_eq!(of_range(&changes.faults, address, 100).len(), 100);
    // The first instruction of the process is the dynamic linker's entry point.
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
fn two_watches_agree() {
    let mut subject = start(&["touch", "300"]);
    let (Some(mut one), Some(mut other)) = (watch(subject.id()), watch(subject.id())) else {
        return;
    };
    subject.resume();
    wait_for_sleep(&subject);
    let without_times = |changes: PageChanges| {
        let what = |fault: &PageFault| (fault.address, fault.program_counter, fault.thread);
        let faults: Vec<_> = changes.faults.iter().map(what).collect();
        (faults, changes.lost)
    };
    let recorded = without_times(one.changes().unwrap());
    assert!(recorded.0.len() >= 300);
    assert_eq!(recorded, without_times(other.changes().unwrap()));
    // Dropping one watch does not affect the other.
    drop(one);
    subject.resume();
    subject.reap();
    assert!(other.has_ended().unwrap());
}

#[test]
fn descriptor_is_ready_on_changes() {
    let mut subject = start(&["touch", "10"]);
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    let ready = |watch: &WorkingSetWatch, timeout: Option<Timespec>| {
        let mut fds = [PollFd::new(watch, PollFlags::IN)];
        poll(&mut fds, timeout.as_ref()).unwrap();
        assert_eq!(fds[0].revents(), PollFlags::IN);
    };
    subject.resume();
    wait_for_sleep(&subject);
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
fn faults_before_exit_are_delivered() {
    let mut subject = start(&["touch", "500"]);
    let before = counted(subject.id());
    let Some(mut watch) = watch(subject.id()) else {
        return;
    };
    let process = System::new().process(subject.id()).unwrap();
    subject.resume();
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
fn denial_names_required_capability() {
    if !is_root() {
        return skip("needs root for other users' processes and kernel threads");
    }
    let subject = start(&["touch", "1"]);
    let process = System::new().process(subject.id()).unwrap();
    let error = unprivileged(|| process.watch_working_set().unwrap_err());
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
fn foreign_roots_are_refused() {
    let subject = start(&["touch", "1"]);
    let tree = Tree::new().process(subject.id().get(), "other");
    // The ids in the tree are unrelated to the ids that system calls take.
    let process = tree.as_proc().process(subject.id()).unwrap();
    let error = process.watch_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    assert!(error.to_string().contains("pid namespace"), "{error}");

    let system = System::builder().sys_root(tree.path()).build();
    let process = system.process(subject.id()).unwrap();
    let error = process.watch_working_set().unwrap_err();
    assert!(error.source_path().ends_with("devices/system/cpu"));
}
