//! Files in a tmpfs, with and without huge pages, mapped by several processes.

// The facts are Linux's. `address_space` has the tests for every system.
#![cfg(target_os = "linux")]

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use psapi::{
    MappedFileKind, PageAttributes, PageTotals, Process, ProcessId, Protection, ShareCount,
    WorkingSet, WorkingSetOptions,
};
use tempfile::TempDir;

use testing::{Program, TestProcess, interfaces, proc_file, programs, public_directory, skip};

const MIB: u64 = 1 << 20;

/// A mounted tmpfs. It is unmounted on drop.
struct Tmpfs(TempDir);

impl Tmpfs {
    /// Mounts a tmpfs. Returns `None` if the mount fails.
    fn mount(options: &str) -> Option<Self> {
        let directory = public_directory();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "psapi-test"])
            .arg(directory.path())
            .output();
        mount.ok()?.status.success().then_some(Tmpfs(directory))
    }

    fn file(&self) -> std::path::PathBuf {
        let path = self.0.path().join("a file");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(4 * MIB).unwrap();
        path
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

const NO_TMPFS: &str = "cannot mount a tmpfs: needs root";

/// Starts a process that maps the file. Returns the address as well.
fn start(program: &Program, file: &Path, what: &str) -> (TestProcess, u64) {
    let subject = TestProcess::start(Command::new(&program.path).arg(file).arg(what));
    subject.wait_for_sleep();
    let start = subject.line.parse().unwrap();
    (subject, start)
}

fn working_set(process: &Process) -> WorkingSet {
    let options = WorkingSetOptions::new();
    process
        .working_set_with(&options, |_| ControlFlow::Continue(()))
        .unwrap()
}

fn totals(set: &WorkingSet, start: u64) -> PageTotals {
    let mut mappings = set.totals_by_mapping();
    mappings
        .find(|(mapping, _)| mapping.start == start)
        .unwrap()
        .1
}

/// Returns a field of the mapping at an address in `smaps`, in bytes.
fn smaps(id: ProcessId, start: u64, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps")).unwrap();
    let head = format!("{start:x}-");
    let of_mapping = text.lines().skip_while(|line| !line.starts_with(&head));
    let mut figures = of_mapping.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = figures.next().unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

/// Returns a field of `status`, in bytes.
fn status(id: ProcessId, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "status")).unwrap();
    let mut figures = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = figures.next().unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn tmpfs_file_pages_are_shared() {
    let Some(tmpfs) = Tmpfs::mount("size=16m,huge=never") else {
        return skip(NO_TMPFS);
    };
    let program = Program::compile(programs::MAPS_SHARED_FILE, &[]);
    let file = tmpfs.file();
    let (writer, at_writer) = start(&program, &file, "write");
    let (reader, at_reader) = start(&program, &file, &MIB.to_string());
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        let process = |subject: &TestProcess| system.process(subject.id()).unwrap();
        for (subject, start, protection) in [
            (&writer, at_writer, Protection::ReadWrite),
            (&reader, at_reader, Protection::ReadOnly),
        ] {
            let process = process(subject);
            let pages = process.query_pages(&[start, start + MIB - 1]).unwrap();
            for page in pages {
                let (resident, file) = (PageAttributes::RESIDENT, PageAttributes::FILE);
                assert!(page.attributes.contains(resident | file), "{page:?}");
                assert!(page.is_shareable());
                assert_eq!(page.shares, Some(ShareCount::Exactly(2)));
                assert_eq!(page.protection, Some(protection));
            }
            let found = totals(&working_set(&process), start);
            assert_eq!(found.resident, smaps(subject.id(), start, "Rss"));
            assert_eq!((found.file, found.private), (found.resident, 0));
            // Pages of one process, and pages of both.
            let clean_and_dirty = |kind: &str| {
                let figure = |state| smaps(subject.id(), start, &format!("{kind}_{state}"));
                figure("Clean") + figure("Dirty")
            };
            assert_eq!(found.shares.shared(), Some(clean_and_dirty("Shared")));
            assert_eq!(found.shares.exclusive(), Some(clean_and_dirty("Private")));
            let mapped = process.mapped_file(start + MIB).unwrap().unwrap();
            assert_eq!(
                (mapped.path.as_path(), mapped.deleted),
                (file.as_path(), false)
            );
            assert_eq!(mapped.kind, MappedFileKind::File);
            // Before Linux 6.2, the kernel's counters lag, and psapi reports them.
            let shared_memory = process.memory_counters().unwrap().rss_shmem.unwrap();
            assert_eq!(shared_memory, status(subject.id(), "RssShmem"));
        }
        let found = totals(&working_set(&process(&writer)), at_writer);
        assert_eq!(found.resident, 4 * MIB);
        let shared = found.shares.shared().unwrap();
        assert!((MIB..4 * MIB).contains(&shared), "{shared}");
    }
}

#[test]
fn tmpfs_huge_pages_match_smaps() {
    let Some(tmpfs) = Tmpfs::mount("size=32m,huge=always") else {
        return skip(NO_TMPFS);
    };
    let program = Program::compile(programs::MAPS_SHARED_FILE, &[]);
    let file = tmpfs.file();
    let (writer, at_writer) = start(&program, &file, "write");
    let (reader, at_reader) = start(&program, &file, &(2 * MIB).to_string());
    let huge = |id, start| smaps(id, start, "ShmemPmdMapped");
    if huge(writer.id(), at_writer) != 4 * MIB {
        return skip("the kernel provided no huge page for a tmpfs");
    }
    for (interface, system) in interfaces::page_interfaces() {
        eprintln!("by {interface}");
        for (subject, start) in [(&writer, at_writer), (&reader, at_reader)] {
            let process = system.process(subject.id()).unwrap();
            let set = working_set(&process);
            assert!(set.known().contains(PageAttributes::HUGE));
            let found = totals(&set, start);
            assert_eq!(found.huge, Some(huge(subject.id(), start)));
            assert_eq!(found.resident, smaps(subject.id(), start, "Rss"));
            assert_eq!(found.file, found.resident);
            let shared = smaps(subject.id(), start, "Shared_Dirty")
                + smaps(subject.id(), start, "Shared_Clean");
            assert_eq!(found.shares.shared(), Some(shared));
        }
    }
}
