//! Working sets, against pages that the tests arrange. Each fact is asked for in both ways that the
//! library has: by `PAGEMAP_SCAN` and, as on older kernels, by the words of `pagemap`.

mod support;

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use psapi::{
    ErrorKind, PageAttributes, PageInfo, PageRun, PageTotals, Process, Protection, ShareCount,
    System, WorkingSet, WorkingSetOptions,
};
use rustix::thread::CapabilitySet;

use support::child::{Program, Subject, proc_file};
use support::huge_pool::HugePool;
use support::kernel::kernel;
use support::privilege::{as_nobody, as_nobody_with, is_root, skip};
use support::rollup::{counters_lag, rollup};
use support::swap::{Settled, Swap};
use support::ways::{self, told_to_leave};

const PAGES: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
static size_t mib = 1 << 20;
static volatile char sum;
static char *map(const char *name, size_t size, int flags, int fd) {
    /* Neighbours of one kind would be one mapping: pages that may not be accessed keep them apart,
       and huge pages can't form where they are not wanted. */
    char *p = mmap(0, size + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED)
        p = mmap(p + 4096, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, size, MADV_NOHUGEPAGE);
    printf("%s %lu %lu,", name, (long)p, size);
    return p;
}
static void read_all(const char *p, size_t size) {
    for (size_t i = 0; i < size; i += 4096) sum += p[i];
}
int main(int argc, char **argv) {
    int private = MAP_PRIVATE | MAP_ANONYMOUS, shared = MAP_SHARED | MAP_ANONYMOUS;

    /* First what a forked child shares: nothing else has a second user. */
    char *with_child = map("with_child", mib, shared, -1);
    memset(with_child, 1, mib);
    char *of_fork = map("of_fork", mib, private, -1);
    memset(of_fork, 1, mib);
    int ready[2];
    if (pipe(ready)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        read_all(with_child, mib);
        of_fork[mib / 2] = 2;
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
        _exit(0);
    }
    char c;
    if (read(ready[0], &c, 1) != 1) return 1;

    char *every_other = map("every_other", 8 * mib, private, -1);
    for (size_t i = 0; i < 8 * mib; i += 8192) every_other[i] = 1;
    char *zeros = map("zeros", 2 * mib, private, -1);
    read_all(zeros, 2 * mib);
    zeros[mib] = 1;
    memset(map("shared", 3 * mib, shared, -1), 1, 3 * mib);

    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (fd < 0) { perror(argv[1]); return 1; }
    for (size_t i = 0; i < 4; i++) {
        char block[1 << 20];
        memset(block, 1, sizeof block);
        if (write(fd, block, sizeof block) != sizeof block) return 1;
    }
    char *file = map("file", 4 * mib, MAP_PRIVATE, fd);
    read_all(file, 4 * mib);
    memset(file, 2, mib);
    fd = memfd_create("twice", 0);
    if (ftruncate(fd, mib)) return 1;
    memset(map("twice_a", mib, MAP_SHARED, fd), 1, mib);
    memset(map("twice_b", mib, MAP_SHARED, fd), 1, mib);

    char *locked = map("locked", mib / 16, private, -1);
    memset(locked, 1, mib / 16);
    if (mlock(locked, mib / 16)) { perror("mlock"); return 1; }
    char *no_access = map("no_access", mib, private, -1);
    memset(no_access, 1, mib);
    mprotect(no_access, mib, PROT_NONE);
    char *code = map("code", mib, private, -1);
    memset(code, 1, mib);
    mprotect(code, mib, PROT_READ | PROT_EXEC);
    map("untouched", mib, private, -1);
    char *guarded = map("guarded", mib, private, -1);
    memset(guarded, 1, mib);
    int guards = madvise(guarded + mib / 2, mib / 4, 102 /* MADV_GUARD_INSTALL */) == 0;
    printf("guards %d 0,", guards);

    /* Two huge pages, one written to and one only read, and half a one. */
    char *huge = map("huge", 8 * mib, private, -1);
    char *aligned = (char *)(((long)huge + 2 * mib - 1) & -(2 * mib));
    madvise(aligned, 6 * mib, MADV_HUGEPAGE);
    aligned[0] = 1;
    sum += aligned[2 * mib];
    madvise(aligned + 4 * mib, 2 * mib, MADV_NOHUGEPAGE);
    memset(aligned + 4 * mib, 1, mib);
    printf("aligned %lu 0,", (long)aligned);

    /* Memory of the kernel's: the ring of an event. */
    struct perf_event_attr event = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1 };
    int counter = syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
    char *ring = mmap(0, 9 * 4096, PROT_READ, MAP_SHARED, counter, 0);
    if (ring != MAP_FAILED) read_all(ring, 9 * 4096);
    printf("ring %lu 36864,", ring == MAP_FAILED ? 0 : (long)ring);
    printf("end 0 0\n"); fflush(stdout); getchar(); return 0;
}"#;

const MIB: u64 = 1 << 20;

/// A process whose pages are known, and where they are.
struct Arranged {
    subject: Subject,
    places: HashMap<String, Range<u64>>,
    _directory: tempfile::TempDir,
}

impl Arranged {
    fn start() -> Self {
        Arranged::of(&Program::compile(PAGES, &[]))
    }

    fn of(program: &Program) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let subject = Subject::start(std::process::Command::new(&program.path).arg(file));
        subject.settle();
        let place = |text: &str| {
            let mut words = text.split(' ');
            let name = words.next().unwrap().to_owned();
            let mut number = || words.next().unwrap().parse::<u64>().unwrap();
            let (start, size) = (number(), number());
            (name, start..start + size)
        };
        let places = subject.said.split(',').map(place).collect();
        Arranged {
            subject,
            places,
            _directory: directory,
        }
    }

    fn process(&self, system: &System) -> Process {
        system.process(self.subject.id()).unwrap()
    }

    /// Pages of libraries are mapped by whoever runs at the time.
    fn forget_counts_of_others(&self, page: &mut PageInfo) {
        if !self
            .places
            .values()
            .any(|place| place.contains(&page.address))
        {
            page.shares = None;
        }
    }

    fn at(&self, name: &str) -> Range<u64> {
        self.places[name].clone()
    }
}

/// Whether the kernel is asked for a word of each page: before Linux 6.7 it is by each way.
fn is_by_words(way: &str) -> bool {
    way == "words" || kernel() < (6, 7)
}

/// The runs within a range, and whether they are all that is there.
fn within(set: &WorkingSet, range: Range<u64>) -> impl Iterator<Item = PageRun<'_>> {
    set.runs()
        .filter(move |run| run.start < range.end && range.start < run.end)
}

/// What all pages of a range are, which are one run.
fn one_run(set: &WorkingSet, range: Range<u64>) -> PageRun<'_> {
    let runs: Vec<_> = within(set, range.clone()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!((runs[0].start, runs[0].end), (range.start, range.end));
    runs[0]
}

fn totals(set: &WorkingSet, at: &Range<u64>) -> PageTotals {
    let mut found = set
        .totals_by_mapping()
        .filter(|(mapping, _)| (mapping.start..mapping.end).contains(&at.start));
    found.next().unwrap().1
}

fn all_shares() -> WorkingSetOptions {
    WorkingSetOptions::new().with_private_share_counts()
}

fn taken(process: &Process, options: &WorkingSetOptions) -> WorkingSet {
    process
        .working_set_with(options, |_| ControlFlow::Continue(()))
        .unwrap()
}

const HERE: PageAttributes = PageAttributes::RESIDENT;
const FILE: PageAttributes = HERE.union(PageAttributes::FILE);
const SOFT_DIRTY: PageAttributes = PageAttributes::SOFT_DIRTY;

#[test]
fn pages_are_what_the_process_made_of_them() {
    let arranged = Arranged::start();
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let set = arranged.process(&system).working_set().unwrap();
        assert_eq!(set.process(), arranged.subject.id());
        let one_run = |name| one_run(&set, arranged.at(name));
        let is = |name| {
            let run = one_run(name);
            (run.attributes - SOFT_DIRTY, run.protection())
        };

        let every_other = arranged.at("every_other");
        let runs: Vec<_> = within(&set, every_other.clone()).collect();
        assert_eq!(runs.len(), 1024);
        for (run, expected) in runs.iter().zip(every_other.step_by(8192)) {
            assert_eq!((run.start, run.size()), (expected, 4096));
            assert_eq!(run.attributes - SOFT_DIRTY, HERE);
            assert_eq!(run.protection(), Protection::ReadWrite);
        }

        assert_eq!(is("shared"), (FILE, Protection::ReadWrite));
        assert_eq!(is("twice_a"), (FILE, Protection::ReadWrite));
        assert_eq!(is("code"), (HERE, Protection::ExecuteRead));
        assert_eq!(is("no_access"), (HERE, Protection::NoAccess));
        let locked = HERE | PageAttributes::LOCKED;
        assert_eq!(is("locked"), (locked, Protection::ReadWrite));
        assert_eq!(within(&set, arranged.at("untouched")).count(), 0);

        // What was written to is the process's own by now, the rest still the file's.
        let file = arranged.at("file");
        let runs: Vec<_> = within(&set, file.clone()).collect();
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[0].start, runs[0].end), (file.start, file.start + MIB));
        assert_eq!(runs[0].attributes - SOFT_DIRTY, HERE);
        assert_eq!(runs[0].protection(), Protection::ReadWrite);
        assert_eq!(runs[1].attributes - SOFT_DIRTY, FILE);
        assert_eq!(runs[1].protection(), Protection::CopyOnWrite);
        let file = totals(&set, &file);
        assert_eq!((file.private, file.file), (MIB, 3 * MIB));
    }
}

#[test]
fn pages_of_zeros_are_told_from_those_that_were_written_to() {
    let arranged = Arranged::start();
    let zeros = arranged.at("zeros");
    let found = |set: &WorkingSet| {
        let runs: Vec<_> = within(set, zeros.clone())
            .map(|run| {
                (
                    run.start - zeros.start,
                    run.end - zeros.start,
                    run.attributes,
                )
            })
            .map(|(start, end, attributes)| (start, end, attributes - SOFT_DIRTY))
            .collect();
        runs
    };
    let zero = HERE | PageAttributes::ZERO;
    let told = [
        (0, MIB, zero),
        (MIB, MIB + 4096, HERE),
        (MIB + 4096, 2 * MIB, zero),
    ];
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let set = arranged.process(&system).working_set().unwrap();
        if set.known().contains(PageAttributes::ZERO) {
            assert_eq!(found(&set), told);
            let totals = totals(&set, &zeros);
            assert_eq!((totals.resident, totals.zero), (4096, Some(2 * MIB - 4096)));
        } else {
            assert!(!is_root() && is_by_words(way));
            assert_eq!(found(&set), [(0, 2 * MIB, HERE)]);
            assert_eq!(totals(&set, &zeros).zero, None);
        }
    }
}

#[test]
fn huge_pages_are_those_that_are_mapped_as_one() {
    let arranged = Arranged::start();
    let aligned = arranged.at("aligned").start;
    let smaps = String::from_utf8(proc_file(arranged.subject.id(), "smaps")).unwrap();
    let huge: u64 = smaps
        .lines()
        .filter_map(|line| line.strip_prefix("AnonHugePages:"))
        .map(|line| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024)
        .sum();
    if huge != 2 * MIB {
        return skip("this kernel gave no huge page");
    }
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let set = arranged.process(&system).working_set().unwrap();
        if !set
            .known()
            .contains(PageAttributes::HUGE | PageAttributes::ZERO)
        {
            assert!(!is_root() && is_by_words(way));
            continue;
        }
        let run = one_run(&set, aligned..aligned + 2 * MIB);
        assert_eq!(run.attributes - SOFT_DIRTY, HERE | PageAttributes::HUGE);
        let run = one_run(&set, aligned + 2 * MIB..aligned + 4 * MIB);
        let zeros = HERE | PageAttributes::ZERO;
        // The huge page of zeros may not be had; then there are as many small ones as were read.
        assert_eq!(run.attributes - SOFT_DIRTY, zeros | PageAttributes::HUGE);
        let run = one_run(&set, aligned + 4 * MIB..aligned + 5 * MIB);
        assert_eq!(run.attributes - SOFT_DIRTY, HERE);
        assert_eq!(set.totals().huge, Some(2 * MIB));
    }
}

#[test]
fn guard_regions_are_neither_in_memory_nor_swapped() {
    let arranged = Arranged::start();
    if arranged.at("guards").start == 0 {
        return skip("this kernel makes no guard regions");
    }
    let range = arranged.at("guarded");
    let guard = range.start + MIB / 2..range.start + 3 * MIB / 4;
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let set = arranged.process(&system).working_set().unwrap();
        if !set.known().contains(PageAttributes::GUARD) {
            skip("this kernel does not tell guard regions");
            continue;
        }
        let run = one_run(&set, guard.clone());
        assert_eq!(run.attributes - SOFT_DIRTY, PageAttributes::GUARD);
        let totals = totals(&set, &range);
        assert_eq!(totals.resident, 3 * MIB / 4);
        assert_eq!((totals.guard, totals.swapped), (Some(MIB / 4), 0));
    }
}

#[test]
fn share_counts_are_those_that_the_test_arranged() {
    let arranged = Arranged::start();
    let half = MIB / 2;
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let process = arranged.process(&system);
        let set = taken(&process, &all_shares());
        let shares = |name| one_run(&set, arranged.at(name)).shares;
        let of = |count| {
            let counted = Some(ShareCount::Exactly(count));
            match is_root() || count == 1 {
                true => counted,
                false => Some(ShareCount::MoreThanOne),
            }
        };
        assert_eq!(shares("with_child"), of(2));
        assert_eq!(shares("twice_a"), of(2));
        assert_eq!(shares("shared"), of(1));
        assert_eq!(shares("code"), of(1));
        // One page of the fork's memory is each one's own.
        let forked = arranged.at("of_fork");
        let runs: Vec<_> = within(&set, forked.clone())
            .map(|run| (run.start - forked.start, run.end - forked.start, run.shares))
            .collect();
        assert_eq!(
            runs,
            [
                (0, half, of(2)),
                (half, half + 4096, of(1)),
                (half + 4096, MIB, of(2)),
            ]
        );
        let totals = totals(&set, &forked);
        assert_eq!(totals.shares.exclusive(), 4096);
        assert_eq!(totals.shares.shared(), MIB - 4096);

        // Who does not ask gets none of private pages, and none at all.
        let set = process.working_set().unwrap();
        assert_eq!(one_run(&set, forked.clone()).shares, None);
        assert_eq!(one_run(&set, arranged.at("with_child")).shares, of(2));
        let set = taken(&process, &WorkingSetOptions::new().without_share_counts());
        assert_eq!(set.runs().find(|run| run.shares.is_some()), None);
    }
}

#[test]
fn without_the_privilege_share_counts_say_one_or_more() {
    if !is_root() {
        return skip("needs root to become somebody else");
    }
    // As nobody, who may see the own process, but no frames.
    as_nobody(|| {
        let arranged = Arranged::start();
        for (way, system) in ways::to_pages() {
            eprintln!("by {way}");
            let set = taken(&arranged.process(&system), &all_shares());
            let shares = |name| one_run(&set, arranged.at(name)).shares;
            assert_eq!(shares("with_child"), Some(ShareCount::MoreThanOne));
            assert_eq!(shares("twice_a"), Some(ShareCount::MoreThanOne));
            assert_eq!(shares("shared"), Some(ShareCount::Exactly(1)));
            assert_eq!(shares("code"), Some(ShareCount::Exactly(1)));
            let zero = PageAttributes::ZERO;
            assert_eq!(
                set.known().contains(zero),
                !is_by_words(way),
                "{:?}",
                set.known()
            );
        }
    });
}

#[test]
fn capabilities_do_what_the_message_says() {
    if !is_root() {
        return skip("needs root to hand on capabilities");
    }
    let arranged = Arranged::start();
    let told = |capabilities| {
        as_nobody_with(capabilities, || {
            let ways = ways::to_pages().into_iter();
            let shares = ways.map(|(_, system)| {
                let process = arranged.process(&system);
                let options = all_shares();
                let set = process.working_set_with(&options, |_| ControlFlow::Continue(()));
                set.map(|set| one_run(&set, arranged.at("with_child")).shares)
            });
            shares.collect::<Vec<_>>()
        })
    };
    let trace = CapabilitySet::SYS_PTRACE;
    let read = CapabilitySet::DAC_READ_SEARCH;
    let see_frames = CapabilitySet::SYS_ADMIN;
    for too_few in [trace, read, trace | see_frames] {
        for refused in told(too_few) {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied);
            let remedy = error.remedy().unwrap();
            for name in ["CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"] {
                assert!(remedy.contains(name), "{error}");
            }
        }
    }
    for shares in told(trace | read) {
        assert_eq!(shares.unwrap(), Some(ShareCount::MoreThanOne));
    }
    for shares in told(trace | read | see_frames) {
        assert_eq!(shares.unwrap(), Some(ShareCount::Exactly(2)));
    }
}

#[test]
fn both_ways_say_the_same() {
    let arranged = Arranged::start();
    let ways = ways::to_pages().into_iter();
    let sets: Vec<_> = ways
        .map(|(_, system)| taken(&arranged.process(&system), &all_shares()))
        .collect();
    let (scan, words) = (&sets[0], &sets[sets.len() - 1]);
    let known = scan.known() & words.known();
    if is_root() {
        assert_eq!(scan.known(), words.known());
    }
    let pages = |set: &WorkingSet| {
        let pages: Vec<_> = set
            .pages()
            .map(|mut page| {
                if page.attributes.contains(PageAttributes::ZERO)
                    && !known.contains(PageAttributes::ZERO)
                {
                    // What follows from it is not told either.
                    page.shares = None;
                    page.protection = None;
                }
                page.attributes &= known;
                arranged.forget_counts_of_others(&mut page);
                page
            })
            .collect();
        pages
    };
    let (scan, words) = (pages(scan), pages(words));
    for (scan, mut words) in scan.iter().zip(words.iter().copied()) {
        if scan.protection.is_none() {
            (words.shares, words.protection) = (None, None);
        }
        assert_eq!(*scan, words);
    }
    assert_eq!(scan.len(), words.len());
}

#[test]
fn the_whole_is_what_the_kernel_counts() {
    // Libraries are mapped by whoever runs at the time: this has none.
    let program = Program::try_compile("subject".as_ref(), PAGES, &["-static"]);
    let Some(program) = program else {
        return skip("the compiler can't link statically");
    };
    let arranged = Arranged::of(&program);
    let figure = |name: &str| rollup(arranged.subject.id(), name);
    let private = || figure("Private_Clean") + figure("Private_Dirty");
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let process = arranged.process(&system);
        let set = taken(&process, &all_shares());
        if !set.known().contains(PageAttributes::ZERO) {
            continue;
        }
        let totals = set.totals();
        let counters = process.memory_counters().unwrap();
        assert_eq!(totals.resident, figure("Rss"));
        assert_eq!(totals.private, figure("Anonymous"));
        if !counters_lag() {
            assert_eq!(totals.resident, counters.working_set);
            assert_eq!(totals.private, counters.rss_anon);
        }
        assert_eq!(totals.locked, counters.locked);
        assert_eq!(totals.private + totals.file, totals.resident);
        // What nobody else maps is what smaps calls private.
        let exclusive = totals.shares.exclusive();
        assert_eq!(exclusive, private());
        assert_eq!(totals.shares.shared(), totals.resident - exclusive);
        let parts: u64 = set.totals_by_mapping().map(|(_, part)| part.resident).sum();
        assert_eq!(parts, totals.resident);
        let pages = set
            .runs()
            .filter(PageRun::is_counted)
            .map(|run| run.size())
            .sum::<u64>();
        assert_eq!(pages, totals.resident);
    }
}

#[test]
fn modules_have_what_their_mappings_have() {
    let arranged = Arranged::start();
    let process = arranged.process(&System::new());
    let set = process.working_set().unwrap();
    let modules = process.modules(psapi::ModuleFilter::All).unwrap();
    let totals: Vec<_> = set.totals_by_module(&modules).collect();
    assert_eq!(totals.len(), modules.len());
    let in_modules: u64 = totals.iter().map(|(_, totals)| totals.resident).sum();
    let elsewhere = set.totals_outside(&modules).resident;
    assert!(elsewhere > 0);
    assert_eq!(in_modules + elsewhere, set.totals().resident);
    for (module, totals) in totals {
        // The last mapping may go on behind it, where other memory without a file follows.
        let range = module.base..module.base + module.size;
        let pages = set.pages().filter(|page| range.contains(&page.address));
        let resident = pages.filter(PageInfo::is_valid).count() as u64;
        let expected = resident * set.page_size();
        assert_eq!(totals.resident, expected, "{}", module.path.display());
        assert!(expected > 0, "{}", module.path.display());
    }
}

#[test]
fn a_machine_with_several_nodes_is_asked_for_them() {
    let arranged = Arranged::start();
    let node = std::fs::read_to_string("/sys/devices/system/node/has_memory");
    let Ok(Ok(node)) = node.map(|text| text.trim().parse::<u16>()) else {
        return skip("this machine has not just one node");
    };
    // As if there were several.
    let asking = System::builder().asking_for_nodes().build();
    for system in [System::new(), asking] {
        let set = arranged.process(&system).working_set().unwrap();
        for run in set.runs() {
            let is_memory =
                run.attributes.contains(HERE) && !run.attributes.contains(PageAttributes::SPECIAL);
            // The kernel tells no node of the page of zeros.
            if !run.attributes.contains(PageAttributes::ZERO) {
                assert_eq!(run.node, is_memory.then_some(node), "{run:?}");
            }
        }
    }
}

#[test]
fn progress_is_told_and_may_break_off() {
    let arranged = Arranged::start();
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let process = arranged.process(&system);
        let (mut found, mut expected) = (0, 0);
        let set = process
            .working_set_with(&WorkingSetOptions::new(), |progress| {
                assert!(progress.found >= found);
                (found, expected) = (progress.found, progress.expected);
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found, set.runs().map(|run| run.size()).sum::<u64>());
        assert_eq!(expected, process.memory_counters().unwrap().working_set);
        let error = process
            .working_set_with(&WorkingSetOptions::new(), |_| ControlFlow::Break(()))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn an_address_has_the_page_that_the_whole_has_there() {
    let arranged = Arranged::start();
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let process = arranged.process(&system);
        let set = process.working_set().unwrap();
        let mut expected: Vec<_> = set.pages().collect();
        for page in &mut expected {
            arranged.forget_counts_of_others(page);
        }
        // In no order, some twice, and within their pages.
        expected.sort_by_key(|page| page.address.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        expected.extend_from_within(..100);
        for (at, page) in expected.iter_mut().enumerate() {
            page.address += at as u64 % 4096;
        }
        let addresses: Vec<u64> = expected.iter().map(|page| page.address).collect();
        let mut found = process.query_pages(&addresses).unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter_mut().zip(&expected) {
            arranged.forget_counts_of_others(found);
            assert_eq!(*found, *expected);
        }
        // Few are asked for in another way.
        for expected in expected.chunks(7).take(40) {
            let addresses: Vec<u64> = expected.iter().map(|page| page.address).collect();
            let mut found = process.query_pages(&addresses).unwrap();
            for page in &mut found {
                arranged.forget_counts_of_others(page);
            }
            assert_eq!(found, expected);
        }

        let untouched = arranged.at("untouched").start + 5;
        let no_access = arranged.at("no_access").start;
        let nowhere = [0, 1, u64::MAX, i64::MAX as u64, 1 << 47];
        let asked = [&[untouched, no_access][..], &nowhere].concat();
        let pages = process.query_pages(&asked).unwrap();
        assert_eq!(pages[0].address, untouched);
        assert!(!pages[0].is_valid());
        assert!(pages[0].attributes.is_empty());
        assert_eq!(pages[0].protection, Some(Protection::ReadWrite));
        // In memory, but out of reach.
        assert!(pages[1].attributes.contains(HERE));
        assert_eq!(pages[1].protection, Some(Protection::NoAccess));
        assert!(!pages[1].is_valid());
        for page in &pages[2..] {
            assert!(!page.is_valid());
            assert_eq!(page.protection, None);
        }
        assert!(process.query_pages(&[]).unwrap().is_empty());
    }
}

#[test]
fn hugetlb_pages_are_resident_though_no_working_set_counts_them() {
    let Some(_pool) = HugePool::with_more(4) else {
        return skip("no hugetlb pages can be set aside: needs root, and free memory");
    };
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <sys/mman.h>
        static int touch(int flags, int fd) {
            char *p = mmap(0, 2 << 20, PROT_READ | PROT_WRITE, flags, fd, 0);
            if (p == MAP_FAILED) return 0;
            *p = 1;
            return 1;
        }
        int main(void) {
            int memory = MAP_ANONYMOUS | MAP_HUGETLB, file = memfd_create("huge", MFD_HUGETLB);
            int all = touch(MAP_PRIVATE | memory, -1) && touch(MAP_SHARED | memory, -1)
                && touch(MAP_SHARED, file) && touch(MAP_PRIVATE, file);
            puts(all ? "touched" : "none");
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    subject.settle();
    if subject.said == "none" {
        return skip("the hugetlb pages that were set aside went to somebody else");
    }
    for (way, requests) in ways::withheld() {
        eprintln!("{way}");
        let process = told_to_leave(requests).process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        let (totals, counters) = (set.totals(), process.memory_counters().unwrap());
        assert_eq!(counters.hugetlb, Some(totals.hugetlb));
        assert!(totals.hugetlb > 0);
        assert_eq!(totals.resident, rollup(subject.id(), "Rss"));
        assert_eq!(totals.private, rollup(subject.id(), "Anonymous"));
        assert_eq!(totals.huge, Some(0));
        let hugetlb = PageAttributes::HUGETLB | PageAttributes::HUGE;
        let runs: Vec<_> = set
            .runs()
            .filter(|run| run.attributes.intersects(PageAttributes::HUGETLB))
            .collect();
        assert_eq!(runs.len(), 4);
        for run in runs {
            assert!(run.attributes.contains(HERE | hugetlb));
            assert!(!run.is_counted());
        }
    }
}

#[test]
fn memory_of_the_kernel_that_is_mapped_is_in_no_working_set() {
    let arranged = Arranged::start();
    let ring = arranged.at("ring");
    if ring.start == 0 {
        return skip("no events can be had here");
    }
    for (_, system) in ways::to_pages() {
        let process = arranged.process(&system);
        let set = process.working_set().unwrap();
        // Older kernels make its pages those of a file, and count them.
        let is_counted = totals(&set, &ring).resident > 0;
        assert_eq!(within(&set, ring.clone()).count(), usize::from(is_counted));
        if set.known().contains(PageAttributes::ZERO) {
            let counted = rollup(arranged.subject.id(), "Rss");
            assert_eq!(set.totals().resident, counted);
        }
    }
}

#[test]
fn a_page_that_userfaultfd_protects_is_told() {
    let program = Program::compile(
        r#"
        #include <fcntl.h>
        #include <linux/userfaultfd.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/ioctl.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int main(void) {
            char *p = mmap(0, 8 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            memset(p, 1, 8 * 4096);
            int fd = syscall(SYS_userfaultfd, O_CLOEXEC | 1);
            struct uffdio_api api = { UFFD_API, UFFD_FEATURE_PAGEFAULT_FLAG_WP, 0 };
            struct uffdio_register all = { { (long)p, 8 * 4096 }, UFFDIO_REGISTER_MODE_WP, 0 };
            struct uffdio_writeprotect two = {
                { (long)p + 4096, 2 * 4096 }, UFFDIO_WRITEPROTECT_MODE_WP };
            if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &all)
                || ioctl(fd, UFFDIO_WRITEPROTECT, &two))
                puts("none");
            else
                printf("%lu\n", (long)p);
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    let Ok(start) = subject.said.parse::<u64>() else {
        return skip("userfaultfd protects nothing here");
    };
    for (_, system) in ways::to_pages() {
        let process = system.process(subject.id()).unwrap();
        let addresses: Vec<u64> = (0..8).map(|page| start + page * 4096).collect();
        let protected: Vec<bool> = process
            .query_pages(&addresses)
            .unwrap()
            .iter()
            .map(|page| page.attributes.contains(PageAttributes::WRITE_PROTECTED))
            .collect();
        let expected = [false, true, true, false, false, false, false, false];
        assert_eq!(protected, expected);
    }
}

#[test]
fn marks_where_no_page_is_are_not_in_a_page_file() {
    let program = Program::compile(
        r#"
        #include <fcntl.h>
        #include <linux/userfaultfd.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/ioctl.h>
        #include <sys/mman.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static int fd;
        /* Where only the first of eight pages has been touched, all are protected. */
        static char *protected(int flags) {
            char *p = mmap(0, 8 * 4096, 3, flags | MAP_ANONYMOUS, -1, 0);
            memset(p, 1, 4096);
            struct uffdio_register all = { { (long)p, 8 * 4096 }, UFFDIO_REGISTER_MODE_WP, 0 };
            struct uffdio_writeprotect on = { { (long)p, 8 * 4096 }, UFFDIO_WRITEPROTECT_MODE_WP };
            if (ioctl(fd, UFFDIO_REGISTER, &all) || ioctl(fd, UFFDIO_WRITEPROTECT, &on)) return 0;
            return p;
        }
        int main(void) {
            fd = syscall(SYS_userfaultfd, O_CLOEXEC | 1);
            struct uffdio_api api = { UFFD_API,
                UFFD_FEATURE_PAGEFAULT_FLAG_WP | 1 << 12 /* WP_HUGETLBFS_SHMEM */
                    | 1 << 13 /* WP_UNPOPULATED */, 0 };
            char *private = 0, *shared = 0;
            if (fd >= 0 && !ioctl(fd, UFFDIO_API, &api)) {
                private = protected(MAP_PRIVATE);
                shared = protected(MAP_SHARED);
            }
            if (private && shared) printf("%lu %lu\n", (long)private, (long)shared);
            else puts("none");
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    subject.settle();
    if subject.said == "none" {
        return skip("userfaultfd leaves no marks here: needs Linux 6.4");
    }
    let is_told = |process: &Process| {
        let set = process.working_set().unwrap();
        assert_eq!(set.totals().swapped, 0);
        for start in subject.said.split(' ') {
            let start: u64 = start.parse().unwrap();
            let run = one_run(&set, start..start + 4096);
            assert!(
                run.attributes
                    .contains(HERE | PageAttributes::WRITE_PROTECTED)
            );
            assert_eq!(within(&set, start + 4096..start + 8 * 4096).count(), 0);
            let marked = process.query_pages(&[start + 4096]).unwrap()[0];
            assert_eq!(marked.attributes, PageAttributes::empty());
        }
    };
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        // Whoever may not see frames can't tell where there is a page file.
        let settled = match is_root() {
            true => None,
            false => Settled::none(),
        };
        if settled.is_some() || is_root() {
            is_told(&system.process(subject.id()).unwrap());
        }
    }
    let Some(_swap) = Swap::on(16 * MIB) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}, with a page file");
        is_told(&system.process(subject.id()).unwrap());
    }
}

#[test]
fn pages_in_a_page_file_are_told_from_those_in_memory() {
    let Some(_swap) = Swap::on(256 * MIB) else {
        return skip("no page file can be had: needs root, zram and util-linux");
    };
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <string.h>
        #include <sys/mman.h>
        int main(void) {
            size_t mib = 1 << 20;
            char *p = mmap(0, 8 * mib, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            madvise(p, 8 * mib, MADV_NOHUGEPAGE);
            memset(p, 1, 8 * mib);
            /* A page that is on its way to the lists the kernel takes pages from stays: again. */
            unsigned char in[1024];
            int pages = 1;
            for (int tries = 0; pages && tries < 1000; tries++) {
                if (madvise(p + 2 * mib, 4 * mib, MADV_PAGEOUT)) { puts("none"); break; }
                mincore(p + 2 * mib, 4 * mib, in);
                pages = 0;
                for (int i = 0; i < 1024; i++) pages += in[i] & 1;
            }
            printf("%lu\n", (long)p); fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    subject.settle();
    let Ok(address) = subject.said.parse::<u64>() else {
        return skip("this kernel has no MADV_PAGEOUT");
    };
    for (way, system) in ways::to_pages() {
        eprintln!("by {way}");
        let process = system.process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        let is = |range: Range<u64>| one_run(&set, range).attributes - SOFT_DIRTY;
        assert_eq!(is(address..address + 2 * MIB), HERE);
        assert_eq!(
            is(address + 2 * MIB..address + 6 * MIB),
            PageAttributes::SWAPPED
        );
        assert_eq!(is(address + 6 * MIB..address + 8 * MIB), HERE);
        let counters = process.memory_counters().unwrap();
        assert_eq!(set.totals().swapped, counters.swap);
        if set.known().contains(PageAttributes::ZERO) {
            assert_eq!(set.totals().resident, rollup(subject.id(), "Rss"));
        }
    }
}

#[test]
fn a_sparse_reservation_costs_nothing() {
    let program = Program::compile(
        r#"
        #include <stdio.h>
        #include <sys/mman.h>
        static char *reserve(int access) {
            int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
            return mmap(0, 30UL << 40, access, flags, -1, 0);
        }
        int main(void) {
            char *none = reserve(PROT_NONE), *all = reserve(PROT_READ | PROT_WRITE);
            if (none == MAP_FAILED || all == MAP_FAILED) puts("none");
            else printf("%lu %lu\n", (long)none, (long)all);
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    subject.settle();
    if subject.said == "none" {
        return skip("60 TiB of addresses can't be reserved here");
    }
    for (_, system) in ways::to_pages() {
        let process = system.process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        for address in subject.said.split(' ') {
            let at = address.parse().unwrap();
            assert!(totals(&set, &(at..at + 1)).is_empty());
            let page = process.query_pages(&[at + (1 << 40)]).unwrap()[0];
            assert!(page.attributes.is_empty());
            assert!(page.protection.is_some());
        }
        assert_eq!(set.totals().resident, rollup(subject.id(), "Rss"));
    }
}

/// Pages far from each other in mappings that are larger than the machine's memory.
#[test]
fn a_sparse_reservation_is_read_as_far_as_it_has_pages() {
    let program = Program::compile(
        r#"
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <sys/mman.h>
        #include <unistd.h>
        static volatile char *reserve(size_t size) {
            int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
            char *p = mmap(0, size + 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
            if (p == MAP_FAILED) { puts("none"); fflush(stdout); pause(); }
            madvise(p, size, MADV_NOHUGEPAGE);
            /* What comes next is no part of it. */
            mprotect(p + size, 4096, PROT_NONE);
            return p;
        }
        int main(void) {
            size_t large = 30UL << 40;
            size_t small = 2UL * sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
            volatile char *far = reserve(large), *zeros = reserve(small);
            far[0] = far[3UL << 30] = 1;
            /* As many zeros as there are pages that count, and before these. */
            zeros[0] + zeros[4096];
            zeros[small - 4096] = zeros[small - 8192] = 1;
            printf("%lu %lu %lu\n", (long)far, (long)zeros, (long)(zeros + small));
            fflush(stdout); getchar(); return 0;
        }"#,
        &[],
    );
    let subject = program.start();
    subject.settle();
    if subject.said == "none" {
        return skip("30 TiB of addresses can't be reserved here");
    }
    let places: Vec<u64> = subject
        .said
        .split(' ')
        .map(|at| at.parse().unwrap())
        .collect();
    let [far, zeros, end] = places[..] else {
        panic!("{places:?}");
    };
    for (way, system) in ways::to_pages() {
        let process = system.process(subject.id()).unwrap();
        let set = process.working_set().unwrap();
        let resident = |range: Range<u64>| -> Vec<u64> {
            let is_there = |run: &PageRun<'_>| run.attributes.contains(PageAttributes::RESIDENT);
            let runs = within(&set, range).filter(is_there);
            runs.flat_map(|run| (run.start..run.end).step_by(4096))
                .collect()
        };
        assert_eq!(
            resident(far..far + (30 << 40)),
            [far, far + (3 << 30)],
            "{way}"
        );
        let expected = [zeros, zeros + 4096, end - 8192, end - 4096];
        assert_eq!(resident(zeros..end), expected, "{way}");
        if way == "words" {
            // There may be pages of zeros further on, which nothing counts.
            assert!(!set.known().contains(PageAttributes::ZERO));
        }
    }
}

#[test]
fn who_has_no_pages_or_does_not_show_them_is_refused() {
    let system = System::new();
    if !is_root() {
        return skip("needs root for processes of others and for kernel threads");
    }
    let mut subject = Arranged::start().subject;
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
