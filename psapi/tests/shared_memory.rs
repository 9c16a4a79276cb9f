//! Files of a tmpfs, with and without huge pages, which several processes map.

mod support;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use psapi::{
    MappedFileKind, PageAttributes, PageTotals, Process, ProcessId, Protection, ShareCount,
    WorkingSet, WorkingSetOptions,
};
use tempfile::TempDir;

use support::child::{Program, Subject, proc_file, public_directory};
use support::privilege::skip;
use support::ways;

/// Maps a file shared, and writes to all of its bytes or reads as many as it is told to.
const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
int main(int argc, char **argv) {
    size_t size = 4UL << 20, aligned = 2UL << 20, read_only = strcmp(argv[2], "write");
    int fd = open(argv[1], O_RDWR);
    char *p = mmap(0, size + 2 * aligned, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p = (char *)(((long)p + 2 * aligned - 1) & -aligned);
    p = mmap(p, size, PROT_READ | (read_only ? 0 : PROT_WRITE), MAP_SHARED | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); return 1; }
    volatile char sum;
    if (!read_only) memset(p, 1, size);
    else for (size_t i = 0; i < strtoul(argv[2], 0, 10); i += 4096) sum = p[i];
    printf("%lu\n", (long)p); fflush(stdout); getchar(); return 0;
}"#;

const MIB: u64 = 1 << 20;

/// A tmpfs; unmounted when dropped.
struct Tmpfs(TempDir);

impl Tmpfs {
    /// `None`: it can't be had.
    fn mount(options: &str) -> Option<Self> {
        let place = public_directory();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "psapi-test"])
            .arg(place.path())
            .output();
        mount.ok()?.status.success().then_some(Tmpfs(place))
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

const NO_TMPFS: &str = "no tmpfs can be mounted: needs root";

/// A process that has the file mapped, and where.
fn start(program: &Program, file: &Path, what: &str) -> (Subject, u64) {
    let subject = Subject::start(Command::new(&program.path).arg(file).arg(what));
    subject.settle();
    let start = subject.said.parse().unwrap();
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

/// A figure in bytes of the mapping at an address, as `smaps` has it.
fn smaps(id: ProcessId, start: u64, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps")).unwrap();
    let head = format!("{start:x}-");
    let of_mapping = text.lines().skip_while(|line| !line.starts_with(&head));
    let mut figures = of_mapping.filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = figures.next().unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

/// A figure in bytes of the whole process.
fn status(id: ProcessId, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "status")).unwrap();
    let mut figures = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = figures.next().unwrap().trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn a_file_of_a_tmpfs_is_shared_by_those_who_map_it() {
    let Some(tmpfs) = Tmpfs::mount("size=16m,huge=never") else {
        return skip(NO_TMPFS);
    };
    let program = Program::compile(SUBJECT, &[]);
    let file = tmpfs.file();
    let (writer, at_writer) = start(&program, &file, "write");
    let (reader, at_reader) = start(&program, &file, &MIB.to_string());
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let process = |subject: &Subject| system.process(subject.id()).unwrap();
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
            // What only one has, and what both have.
            let of = |kind: &str| {
                let of = |state| smaps(subject.id(), start, &format!("{kind}_{state}"));
                of("Clean") + of("Dirty")
            };
            assert_eq!(found.shares.shared(), of("Shared"));
            assert_eq!(found.shares.exclusive(), of("Private"));
            let mapped = process.mapped_file(start + MIB).unwrap().unwrap();
            assert_eq!(
                (mapped.path.as_path(), mapped.deleted),
                (file.as_path(), false)
            );
            assert_eq!(mapped.kind, MappedFileKind::File);
            // Before 6.2 the kernel's counters lag behind by some pages; then so does the answer.
            let shared_memory = process.memory_counters().unwrap().rss_shmem;
            assert_eq!(shared_memory, status(subject.id(), "RssShmem"));
        }
        let found = totals(&working_set(&process(&writer)), at_writer);
        assert_eq!(found.resident, 4 * MIB);
        assert!(found.shares.shared() >= MIB && found.shares.shared() < 4 * MIB);
    }
}

#[test]
fn huge_pages_of_a_tmpfs_are_those_that_are_mapped_as_one() {
    let Some(tmpfs) = Tmpfs::mount("size=32m,huge=always") else {
        return skip(NO_TMPFS);
    };
    let program = Program::compile(SUBJECT, &[]);
    let file = tmpfs.file();
    let (writer, at_writer) = start(&program, &file, "write");
    let (reader, at_reader) = start(&program, &file, &(2 * MIB).to_string());
    let huge = |id, start| smaps(id, start, "ShmemPmdMapped");
    if huge(writer.id(), at_writer) != 4 * MIB {
        return skip("this kernel gave no huge page to a tmpfs");
    }
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
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
            assert_eq!(found.shares.shared(), shared);
        }
    }
}
