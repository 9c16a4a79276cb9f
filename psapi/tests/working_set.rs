//! Working sets, against pages that the tests arrange.

mod support;

use psapi::{ErrorKind, Mapping, PageAttributes, PageTotals, System, WorkingSet};

use support::child::{Program, Subject, proc_file};
use support::huge_pool::HugePool;
use support::privilege::{as_nobody, is_root, skip};

const PAGES: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static char *map(size_t size, int flags, int fd) {
    char *p = mmap(0, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
int main(int argc, char **argv) {
    volatile char sum = 0;
    size_t mib = 1 << 20;
    /* Neighbours of one kind would be one mapping: something else between keeps them apart. */
    char *every_other = map(8 * mib, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < 8 * mib; i += 8192) every_other[i] = 1;
    mprotect(every_other + 8 * mib - 4096, 4096, PROT_NONE);
    char *read_only = map(2 * mib, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < 2 * mib; i += 4096) sum += read_only[i];
    mprotect(read_only + 2 * mib - 4096, 4096, PROT_NONE);
    char *shared = map(3 * mib, MAP_SHARED | MAP_ANONYMOUS, -1);
    memset(shared, 1, 3 * mib);
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4 * mib)) { perror(argv[1]); return 1; }
    char *file = map(4 * mib, MAP_PRIVATE, fd);
    for (size_t i = 0; i < 4 * mib; i += 4096) sum += file[i];
    for (size_t i = 0; i < mib; i += 4096) file[i] = 1;
    printf("%lu %lu %lu %lu\n", (long)every_other, (long)read_only, (long)shared, (long)file);
    fflush(stdout); getchar(); return 0;
}"#;

const MIB: u64 = 1 << 20;

fn start() -> (Subject, [u64; 4], tempfile::TempDir) {
    let program = Program::compile(PAGES, &[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    let subject = Subject::start(std::process::Command::new(&program.path).arg(file));
    subject.settle();
    let mut addresses = subject.said.split(' ').map(|text| text.parse().unwrap());
    let addresses = [(); 4].map(|()| addresses.next().unwrap());
    (subject, addresses, directory)
}

fn at(set: &WorkingSet, address: u64) -> (&Mapping, PageTotals) {
    set.totals_by_mapping()
        .find(|(mapping, _)| (mapping.start..mapping.end).contains(&address))
        .unwrap()
}

#[test]
fn pages_are_what_the_process_made_of_them() {
    let (subject, [every_other, read_only, shared, file], _directory) = start();
    let process = System::new().process(subject.id()).unwrap();
    let set = match process.working_set() {
        Err(error) if error.kind() == ErrorKind::NotSupported => {
            return skip("this kernel has no PAGEMAP_SCAN");
        }
        set => set.unwrap(),
    };
    assert_eq!(set.process(), subject.id());

    let (_, totals) = at(&set, every_other);
    assert_eq!(
        (totals.resident, totals.private, totals.file),
        (4 * MIB, 4 * MIB, 0)
    );
    let runs: Vec<_> = set
        .runs()
        .filter(|run| run.start >= every_other && run.end <= every_other + 8 * MIB)
        .collect();
    assert_eq!(runs.len(), 1024);
    for (run, expected) in runs.iter().zip((every_other..).step_by(8192)) {
        assert_eq!((run.start, run.size()), (expected, 4096));
        let kind = run.attributes - PageAttributes::SOFT_DIRTY;
        assert_eq!(kind, PageAttributes::RESIDENT);
    }

    let (_, totals) = at(&set, read_only);
    // The last page is in a mapping of its own.
    assert_eq!((totals.resident, totals.zero), (0, 2 * MIB - 4096));
    let (_, totals) = at(&set, read_only + 2 * MIB - 4096);
    assert_eq!((totals.resident, totals.zero), (0, 4096));
    let (_, totals) = at(&set, shared);
    assert_eq!(
        (totals.resident, totals.private, totals.file),
        (3 * MIB, 0, 3 * MIB)
    );
    // What was written to is the process's own by now, the rest still the file's.
    let (_, totals) = at(&set, file);
    assert_eq!(
        (totals.resident, totals.private, totals.file),
        (4 * MIB, MIB, 3 * MIB)
    );
}

#[test]
fn the_whole_is_what_the_kernel_counts() {
    let (subject, _, _directory) = start();
    let process = System::new().process(subject.id()).unwrap();
    let Ok(set) = process.working_set() else {
        return skip("this kernel has no PAGEMAP_SCAN");
    };
    let text = String::from_utf8(proc_file(subject.id(), "smaps_rollup")).unwrap();
    let rss = text.lines().find(|line| line.starts_with("Rss:")).unwrap();
    let rss: u64 = rss.split_whitespace().nth(1).unwrap().parse().unwrap();
    let totals = set.totals();
    assert_eq!(totals.resident, rss * 1024);
    assert_eq!(totals.zero, 2 * MIB);
    let counters = process.memory_counters().unwrap();
    assert_eq!(totals.resident, counters.working_set);
    assert_eq!(totals.private, counters.rss_anon);
    let parts = set
        .totals_by_mapping()
        .map(|(_, totals)| totals.resident)
        .sum::<u64>();
    assert_eq!(parts, totals.resident);
    assert_eq!(totals.private + totals.file, totals.resident);
}

#[test]
fn hugetlb_pages_are_resident_though_no_working_set_counts_them() {
    let Some(_pool) = HugePool::with_more(2) else {
        return skip("no hugetlb pages can be set aside: needs root, and free memory");
    };
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <sys/mman.h>
        static int touch(int flags) {
            flags |= MAP_ANONYMOUS | MAP_HUGETLB;
            char *p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, flags, -1, 0);
            if (p == MAP_FAILED) return 0;
            *p = 1;
            return 1;
        }
        int main(void) {
            puts(touch(MAP_PRIVATE) && touch(MAP_SHARED) ? "touched" : "none");
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    subject.settle();
    if subject.said == "none" {
        return skip("the hugetlb pages that were set aside went to somebody else");
    }
    let process = System::new().process(subject.id()).unwrap();
    let Ok(set) = process.working_set() else {
        return skip("this kernel has no PAGEMAP_SCAN");
    };
    let (totals, counters) = (set.totals(), process.memory_counters().unwrap());
    let hugetlb = counters.hugetlb.unwrap();
    assert!(hugetlb > 0);
    assert_eq!(totals.resident, counters.working_set + hugetlb);
    assert_eq!(totals.huge, hugetlb);
    assert_eq!(totals.private, counters.rss_anon + hugetlb / 2);
}

#[test]
fn a_sparse_reservation_costs_nothing() {
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <sys/mman.h>
        int main(void) {
            int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
            char *p = mmap(0, 64UL << 40, PROT_NONE, flags, -1, 0);
            if (p == MAP_FAILED) { puts("none"); } else { printf("%lu\n", (long)p); }
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    let Ok(address) = subject.said.parse() else {
        return skip("64 TiB of addresses can't be reserved here");
    };
    let process = System::new().process(subject.id()).unwrap();
    let Ok(set) = process.working_set() else {
        return skip("this kernel has no PAGEMAP_SCAN");
    };
    let (mapping, totals) = at(&set, address);
    assert!(mapping.size() >= 64 << 40);
    assert_eq!(totals, PageTotals::default());
}

#[test]
fn who_has_no_pages_or_does_not_show_them_is_refused() {
    let system = System::new();
    if !is_root() {
        return skip("needs root for processes of others and for kernel threads");
    }
    let (mut subject, _, _directory) = start();
    as_nobody(|| {
        let error = system
            .process(subject.id())
            .unwrap()
            .working_set()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied);
        assert!(error.to_string().contains("CAP_SYS_PTRACE"), "{error}");
    });
    let process = system.process(subject.id()).unwrap();
    subject.kill();
    assert_eq!(process.working_set().unwrap_err().kind(), ErrorKind::Ended);
    if let Ok(kthreadd) = system.process(2)
        && kthreadd.status(psapi::Fields::STAT).unwrap().kernel_thread == Some(true)
    {
        assert_eq!(
            kthreadd.working_set().unwrap_err().kind(),
            ErrorKind::NoAddressSpace
        );
    }
}
