//! What only Linux has: reasons why pages remain, swap space, shared files, and required privileges.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use psapi::{EmptiedWorkingSet, ErrorKind, Process, ProcessId, RefusalReason, System};
use rustix::thread::CapabilitySet;

use testing::privilege::{NOBODY, is_root, unprivileged, with_capabilities};
use testing::rollup::rollup;
use testing::swap::{Swap, SwapState};
use testing::{Program, TestProcess, proc_file, programs, skip};

use crate::{MIB, assert_adds_up};

/// Pages that wait in a CPU's batch for the kernel's LRU lists cannot be evicted yet.
pub const SLACK: u64 = MIB;

pub struct Fixture {
    pub subject: TestProcess,
    file: u64,
    private: u64,
    locked: u64,
    shared: u64,
    _directory: tempfile::TempDir,
}

pub fn start() -> Fixture {
    let program = Program::compile(programs::EVICTABLE_PAGES, &[]);
    let directory = tempfile::tempdir().unwrap();
    let subject =
        TestProcess::start(Command::new(&program.path).arg(directory.path().join("file")));
    subject.wait_for_sleep();
    let mut addresses = subject.line.split(' ').map(|text| text.parse().unwrap());
    let [file, private, locked, shared] = [(); 4].map(|()| addresses.next().unwrap());
    Fixture {
        subject,
        file,
        private,
        locked,
        shared,
        _directory: directory,
    }
}

/// Adds a page file. Returns `None`, and skips, if that is impossible.
pub fn page_file() -> Option<Swap> {
    let swap = Swap::on(256 * MIB);
    if swap.is_none() {
        skip("cannot add a page file: needs root, zram and util-linux");
    }
    swap
}

/// Empties the working set. Returns `None`, and skips, if the caller lacks the privilege.
pub fn empty(process: &Process) -> Option<EmptiedWorkingSet> {
    match process.empty_working_set() {
        Err(error) if error.kind() == ErrorKind::AccessDenied && !is_root() => {
            skip("needs CAP_SYS_NICE to empty another process's working set");
            None
        }
        emptied => Some(emptied.unwrap()),
    }
}

/// Returns the resident and the private bytes.
fn resident(id: ProcessId) -> (u64, u64) {
    (rollup(id, "Rss"), rollup(id, "Anonymous"))
}

/// Returns a field of a mapping in `smaps`, in bytes.
fn smaps(id: ProcessId, start: u64, figure: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps")).unwrap();
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with(&format!("{start:x}-")));
    let line = lines
        .find_map(|line| line.strip_prefix(&format!("{figure}:")))
        .unwrap();
    let kib = line.trim().strip_suffix(" kB").unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

fn is_in_ram(path: &Path) -> bool {
    rustix::fs::statfs(path).unwrap().f_type == 0x0102_1994
}

/// Each remaining page has a reason.
#[test]
fn evicts_file_pages_without_swap() {
    let Some(_swap_state) = SwapState::without_swap() else {
        return skip("the machine has page files");
    };
    let mut fixture = start();
    let id = fixture.subject.id();
    if is_in_ram(fixture._directory.path()) {
        return skip("the temporary directory is in RAM");
    }
    let process = System::new().process(id).unwrap();
    let before = resident(id);
    assert_eq!(smaps(id, fixture.file, "Rss"), 8 * MIB);
    let Some(emptied) = empty(&process) else {
        return;
    };
    let after = resident(id);
    assert_eq!(emptied.before.total(), before.0);
    assert_eq!(emptied.before.private, before.1);
    assert_eq!((emptied.after.total(), emptied.after.private), after);

    let left = emptied.evicted();
    assert!(left.file >= 8 * MIB - SLACK, "{emptied:?}");
    assert!(smaps(id, fixture.file, "Rss") <= SLACK);
    assert_eq!(smaps(id, fixture.private, "Rss"), 8 * MIB);
    assert_eq!(smaps(id, fixture.locked, "Rss"), MIB);
    assert_eq!(smaps(id, fixture.shared, "Rss"), 4 * MIB);

    assert_adds_up(&emptied);
    let remaining = emptied.remaining;
    assert_eq!(remaining.locked, MIB);
    assert!(remaining.shared >= 4 * MIB);
    assert!(remaining.no_page_file >= 8 * MIB);
    assert!(remaining.no_page_file < emptied.after.private);
    let reason = |start| {
        let mut refused = emptied.refused.iter();
        let refused = refused.find(|refused| refused.mapping.start == start)?;
        Some(refused.reason)
    };
    assert_eq!(reason(fixture.locked), Some(RefusalReason::Locked));
    for start in [fixture.file, fixture.private, fixture.shared] {
        assert_eq!(reason(start), None);
    }
    for refused in &emptied.refused {
        let label = refused.mapping.backing.label();
        let is_kernels = label.to_string_lossy().starts_with("[vv");
        assert_eq!(
            refused.reason == RefusalReason::Kernel,
            is_kernels,
            "{refused:?}"
        );
    }

    fixture.subject.resume();
    let (pages, contents) = fixture.subject.line.split_once(' ').unwrap();
    assert!(pages.parse::<u64>().unwrap() * 4096 <= SLACK, "{pages}");
    assert_eq!(contents, "good");
}

/// Asserts what the kernel reports of an emptied working set, if there is a page file.
pub fn assert_evicted(fixture: &Fixture, emptied: &EmptiedWorkingSet) {
    let id = fixture.subject.id();
    assert_eq!(emptied.after.total(), resident(id).0);
    assert_eq!(emptied.remaining.locked, MIB);
    // The child maps the shared pages as well.
    assert_eq!(smaps(id, fixture.shared, "Rss"), 4 * MIB);
    assert_eq!(smaps(id, fixture.locked, "Rss"), MIB);
    assert!(smaps(id, fixture.private, "Swap") >= 8 * MIB - SLACK);
    let process = System::new().process(id).unwrap();
    let counters = process.memory_counters().unwrap();
    assert!(counters.swap.unwrap() >= 8 * MIB - SLACK);
}

/// Asserts that all private pages have returned.
pub fn assert_returned(fixture: &Fixture) {
    let id = fixture.subject.id();
    assert_eq!(smaps(id, fixture.private, "Rss"), 8 * MIB);
}

/// Pages that return at once are not counted as lacking a page file.
#[test]
fn touched_pages_need_no_page_file() {
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    let program = Program::compile(programs::WRITES_FOREVER, &[]);
    let subject = program.start();
    let process = System::new().process(subject.id()).unwrap();
    // In some rounds, the process runs between the two samples.
    let came_back = (0..1000).find_map(|_| {
        let emptied = process.empty_working_set().unwrap();
        assert_eq!(emptied.remaining.no_page_file, 0, "{emptied:?}");
        (emptied.after.private > 0).then_some(emptied.remaining)
    });
    assert!(came_back.is_some_and(|remaining| remaining.other > 0));
}

/// Without a page file, shared memory stays in RAM outside of the working set.
#[test]
fn evicts_shared_and_dirty_file_pages() {
    let program = Program::compile(programs::COUNTS_RESIDENT_SHARED, &[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let mut subject = TestProcess::start(Command::new(&program.path).arg(file));
    subject.wait_for_sleep();
    let mut starts = subject.line.split(' ').map(|text| text.parse().unwrap());
    let [shared, file] = [(); 2].map(|()| starts.next().unwrap());
    let id = subject.id();
    let process = System::new().process(id).unwrap();
    let in_memory = |subject: &mut TestProcess| -> u64 {
        subject.resume();
        subject.line.parse::<u64>().unwrap() * 4096
    };
    if let Some(_swap_state) = SwapState::without_swap() {
        let Some(emptied) = empty(&process) else {
            return;
        };
        assert!(emptied.evicted().file >= 8 * MIB - SLACK, "{emptied:?}");
        assert!(smaps(id, shared, "Rss") <= SLACK);
        assert!(smaps(id, file, "Rss") <= SLACK);
        assert_eq!(in_memory(&mut subject), 4 * MIB);
    }
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("cannot add a page file: needs root, zram and util-linux");
    };
    let another = directory.path().join("another");
    let mut subject = TestProcess::start(Command::new(&program.path).arg(another));
    subject.wait_for_sleep();
    let process = System::new().process(subject.id()).unwrap();
    let emptied = process.empty_working_set().unwrap();
    assert!(emptied.evicted().file >= 8 * MIB - SLACK, "{emptied:?}");
    assert!(in_memory(&mut subject) <= SLACK);
}

/// The kernel evicts only pages of files that the caller could write.
#[test]
fn keeps_files_of_other_users() {
    if !is_root() {
        return skip("needs root for files of two users");
    }
    let program = Program::compile(programs::READS_FILES, &[]);
    let directory = testing::public_directory();
    if is_in_ram(directory.path()) {
        return skip("the temporary directory is in RAM");
    }
    let paths =
        ["own", "others", "others private", "own private"].map(|name| directory.path().join(name));
    for path in &paths {
        let file = std::fs::File::create(path).unwrap();
        std::io::Write::write_all(&mut &file, &vec![1; 4 << 20]).unwrap();
        file.sync_all().unwrap();
        if path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("own")
        {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let mut command = Command::new(&program.path);
    let subject = TestProcess::start(command.args(&paths).uid(NOBODY).gid(NOBODY));
    subject.wait_for_sleep();
    with_capabilities(CapabilitySet::SYS_NICE, || {
        let process = System::new().process(subject.id()).unwrap();
        let emptied = process.empty_working_set().unwrap();
        assert!(emptied.remaining.other >= 8 * MIB, "{emptied:?}");
    });
    let mut starts = subject.line.split(' ').map(|text| text.parse().unwrap());
    let resident = [(); 4].map(|()| smaps(subject.id(), starts.next().unwrap(), "Rss"));
    let stays = resident.map(|bytes| bytes > SLACK);
    assert_eq!(stays, [false, true, true, false], "{resident:?}");
}

#[test]
fn denial_names_required_capability() {
    let program = Program::compile(programs::WAITS, &[]);
    let mut command = Command::new(&program.path);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let own = TestProcess::start(&mut command);
    let roots = program.start();
    let others = if is_root() {
        roots.id()
    } else {
        ProcessId::new(1)
    };
    unprivileged(|| {
        // A caller that is not root can have the capability.
        let own = System::new().process(own.id()).unwrap().empty_working_set();
        if is_root() || own.is_err() {
            let error = own.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            assert_eq!(error.source_path(), Path::new("process_madvise"));
            let text = error.to_string();
            assert!(text.starts_with("cannot empty working set of process "));
            assert!(text.contains("CAP_SYS_NICE"), "{text}");
        }
        let error = System::new()
            .process(others)
            .unwrap()
            .empty_working_set()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
    });
}

#[test]
fn exited_leader_is_unsupported() {
    let program = Program::compile(programs::LEADER_EXITS, &[]);
    let subject = program.start();
    // `pthread_join` returns before the leader releases its memory.
    subject.wait_for_state('Z');
    let process = System::new().process(subject.id()).unwrap();
    let error = process.empty_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert!(error.to_string().contains("group leader"), "{error}");
}

/// The ids in `/proc` of another pid namespace belong to other processes here.
#[test]
fn other_pid_namespace_is_unsupported() {
    let program = Program::compile(programs::WAITS, &[]);
    let namespaces = if is_root() { "-mpf" } else { "-Urmpf" };
    let unshare = |program: &Path| {
        let mut unshare = Command::new("unshare");
        unshare
            .args([namespaces, "--mount-proc", "--kill-child"])
            .arg(program);
        unshare
    };
    let possible = unshare(Path::new("true")).status();
    if !possible.is_ok_and(|status| status.success()) {
        return skip("cannot create a pid namespace");
    }
    let subject = TestProcess::start(&mut unshare(&program.path));
    let capture = System::new().capture(psapi::Fields::empty()).unwrap();
    let mut children = capture.processes().iter();
    let child = children
        .find(|status| status.parent == Some(subject.id()))
        .unwrap()
        .id;
    let there = System::builder()
        .proc_root(format!("/proc/{child}/root/proc"))
        .build();
    let error = there.process(1).unwrap().empty_working_set().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{error}");
    assert!(error.to_string().contains("pid namespace"), "{error}");
}
