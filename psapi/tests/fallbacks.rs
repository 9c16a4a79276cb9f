//! One process with pages of every kind, asked about on kernels that lack `PAGEMAP_SCAN`,
//! `PROCMAP_QUERY` or both, as far as a filter of system calls makes such a kernel of this one. Each
//! answer is what was arranged, and all are the same.

mod support;

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::process::Command;

use psapi::{
    MappedFile, Mapping, Module, ModuleFields, ModuleFilter, PageAttributes, PageInfo, PageTotals,
    Process, Protection, ShareCount, System, WorkingSet, WorkingSetOptions,
};

use support::child::{Program, Subject, proc_file, public_directory};
use support::huge_pool::HugePool;
use support::privilege::{as_nobody, is_root, skip};
use support::seccomp::{PAGEMAP_SCAN, PROCMAP_QUERY, is_known, without_requests};
use support::swap::{Settled, Swap};
use support::ways::{told_to_leave, withheld};

const SUBJECT: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#define MIB (1UL << 20)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
static volatile char sum;
static void say(const char *name, char *p, size_t size) {
    printf("%s %lu %lu,", name, (long)p, size);
}
/* Between pages that may not be accessed: neighbours of one kind would be one mapping. */
static char *at(size_t size, size_t aligned, int flags, int fd) {
    char *p = mmap(0, size + 2 * aligned, PROT_NONE, PRIVATE, -1, 0);
    p = (char *)(((long)p + 2 * aligned - 1) & -aligned);
    return mmap(p, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
}
static char *map(const char *name, size_t size, int flags, int fd) {
    char *p = at(size, 4096, flags, fd);
    if (p == MAP_FAILED) { perror(name); _exit(1); }
    madvise(p, size, MADV_NOHUGEPAGE);
    say(name, p, size);
    return p;
}
static void touch(char *p, size_t size) { memset(p, 1, size); }
static void look(const char *p, size_t size) {
    for (size_t i = 0; i < size; i += 4096) sum += p[i];
}
static int in_memory(char *p, size_t size) {
    unsigned char in[256];
    int pages = 0;
    if (size > sizeof in * 4096 || mincore(p, size, in)) return -1;
    for (size_t i = 0; i < size / 4096; i++) pages += in[i] & 1;
    return pages;
}
int main(int argc, char **argv) {
    char *forked = map("forked", MIB, PRIVATE, -1);
    touch(forked, MIB);
    int ready[2];
    char c;
    if (pipe(ready)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        forked[MIB / 2] = 2;
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    if (read(ready[0], &c, 1) != 1) return 1;

    touch(map("private", MIB, PRIVATE, -1), MIB);
    char *holes = map("holes", 4 * MIB, PRIVATE, -1);
    for (size_t i = 0; i < 4 * MIB; i += 8192) holes[i] = 1;
    map("untouched", MIB, PRIVATE, -1);
    look(map("zeros", MIB, PRIVATE, -1), MIB);
    touch(map("shared", MIB, SHARED, -1), MIB);
    int fd = memfd_create("memory", 0);
    if (ftruncate(fd, MIB)) return 1;
    touch(map("memory", MIB, MAP_SHARED, fd), MIB);
    look(map("memory again", MIB, MAP_PRIVATE, fd), MIB);

    fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    char block[MIB];
    memset(block, 1, sizeof block);
    if (write(fd, block, sizeof block) != sizeof block || fsync(fd)) return 1;
    char *file = map("file", MIB, MAP_PRIVATE, fd);
    look(file, MIB);
    touch(file, MIB / 4);
    if (unlink(argv[1])) return 1;

    char *locked = map("locked", MIB / 16, PRIVATE, -1);
    touch(locked, MIB / 16);
    if (mlock(locked, MIB / 16)) return 1;
    char *none = map("no access", MIB, PRIVATE, -1);
    touch(none, MIB);
    mprotect(none, MIB, PROT_NONE);
    char *code = map("code", MIB, PRIVATE, -1);
    touch(code, MIB);
    mprotect(code, MIB, PROT_READ | PROT_EXEC);

    char *guarded = map("guarded", MIB, PRIVATE, -1);
    touch(guarded, MIB);
    if (!madvise(guarded + MIB / 2, MIB / 4, 102 /* MADV_GUARD_INSTALL */))
        say("guards", guarded + MIB / 2, MIB / 4);

    char *huge = at(2 * MIB, 2 * MIB, PRIVATE, -1);
    madvise(huge, 2 * MIB, MADV_HUGEPAGE);
    touch(huge, 2 * MIB);
    say("huge", huge, 2 * MIB);
    huge = at(2 * MIB, 2 * MIB, PRIVATE, -1);
    madvise(huge, 2 * MIB, MADV_HUGEPAGE);
    sum += huge[0];
    say("huge zeros", huge, 2 * MIB);
    huge = at(2 * MIB, 2 * MIB, PRIVATE | MAP_HUGETLB, -1);
    if (argc > 2 && huge != MAP_FAILED) {
        huge[0] = 1;
        say("hugetlb", huge, 2 * MIB);
    }

    /* A page that is on its way to the lists which the kernel takes pages from stays: again. */
    char *out = map("out", MIB, PRIVATE, -1);
    touch(out, MIB);
    for (int tries = 0; tries < 1000 && in_memory(out + MIB / 2, MIB / 2); tries++)
        if (madvise(out + MIB / 2, MIB / 2, MADV_PAGEOUT)) break;
    if (!in_memory(out + MIB / 2, MIB / 2))
        say("swapped", out + MIB / 2, MIB / 2);
    printf("end 0 0\n"); fflush(stdout); getchar(); return 0;
}"#;

const MIB: u64 = 1 << 20;
const HERE: PageAttributes = PageAttributes::RESIDENT;
const FILE: PageAttributes = HERE.union(PageAttributes::FILE);
const ZERO: PageAttributes = PageAttributes::ZERO;
const HUGE: PageAttributes = PageAttributes::HUGE;

/// The process, and where its pages are.
struct Arranged {
    subject: Subject,
    places: BTreeMap<String, Range<u64>>,
    path: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

impl Arranged {
    fn start(hugetlb: bool) -> Self {
        let program = Program::compile(SUBJECT, &[]);
        let directory = public_directory();
        let path = directory.path().join("file");
        let mut command = Command::new(&program.path);
        command.arg(&path).args(hugetlb.then_some("hugetlb"));
        let subject = Subject::start(&mut command);
        subject.settle();
        let places = subject.said.split(',').map(|place| {
            let (place, size) = place.rsplit_once(' ').unwrap();
            let (name, start) = place.rsplit_once(' ').unwrap();
            let (start, size): (u64, u64) = (start.parse().unwrap(), size.parse().unwrap());
            (name.to_owned(), start..start + size)
        });
        Arranged {
            places: places.filter(|(_, place)| place.start != 0).collect(),
            subject,
            path,
            _directory: directory,
        }
    }

    fn answers(&self, system: &System) -> Answers {
        let process = system.process(self.subject.id()).unwrap();
        let mappings = process.mappings().unwrap();
        let set = working_set(&process);
        let addresses = mappings.iter().flat_map(|m| [m.start, m.end - 1, m.end]);
        let addresses: Vec<u64> = addresses.collect();
        Answers {
            pages: self.without_others(set.pages()),
            totals: set.totals(),
            known: set.known(),
            asked: self.without_others(process.query_pages(&addresses).unwrap()),
            modules: process
                .modules_with(ModuleFilter::All, ModuleFields::all())
                .unwrap(),
            executable: process.executable().unwrap(),
            files: addresses
                .iter()
                .map(|&address| process.mapped_file(address).unwrap())
                .collect(),
            mappings,
            set,
        }
    }

    /// Without the counts of pages of libraries: whoever runs at the time maps them.
    fn without_others(&self, pages: impl IntoIterator<Item = PageInfo>) -> Vec<PageInfo> {
        let is_ours = |address| {
            let mut places = self.places.values();
            places.any(|place| place.contains(&address))
        };
        let pages = pages.into_iter().map(|mut page| {
            if !is_ours(page.address) {
                page.shares = None;
            }
            page
        });
        pages.collect()
    }

    /// That an answer has what was arranged.
    fn check(&self, answers: &Answers) {
        let known = answers.known;
        let told = known - PageAttributes::SOFT_DIRTY;
        let set = &answers.set;
        let attributes = |range: &Range<u64>| -> Vec<_> {
            let runs = set
                .runs()
                .filter(|run| run.start < range.end && range.start < run.end);
            let found = runs.map(|run| (run.start..run.end, run.attributes & told));
            let mut found: Vec<_> = found.filter(|(_, what)| !what.is_empty()).collect();
            // Runs that differ in their share counts alone.
            found.dedup_by(|next, run| {
                let is_same = run.0.end == next.0.start && run.1 == next.1;
                if is_same {
                    run.0.end = next.0.end;
                }
                is_same
            });
            found
        };
        for (name, place) in &self.places {
            let half = place.start..place.start + (place.end - place.start) / 2;
            let quarter = half.start..half.start + (half.end - half.start) / 2;
            let all = |attributes| vec![(place.clone(), attributes)];
            let expected = match name.as_str() {
                "forked" | "private" | "no access" | "code" => all(HERE),
                "locked" => all(HERE | PageAttributes::LOCKED),
                "shared" | "memory" | "memory again" => all(FILE),
                "untouched" => vec![],
                "zeros" => all(HERE | ZERO & known),
                "file" => vec![(quarter.clone(), HERE), (quarter.end..place.end, FILE)],
                "holes" => {
                    let pages = place.clone().step_by(8192);
                    pages.map(|page| (page..page + 4096, HERE)).collect()
                }
                "huge" if self.has_huge() => all(HERE | HUGE & known),
                "huge zeros" if self.has_huge() && has_huge_zeros() => {
                    all(HERE | (ZERO | HUGE) & known)
                }
                "hugetlb" => all(HERE | HUGE | PageAttributes::HUGETLB),
                "swapped" => all(PageAttributes::SWAPPED),
                "guards" if known.contains(PageAttributes::GUARD) => all(PageAttributes::GUARD),
                "guards" => vec![],
                "out" | "guarded" | "huge" | "huge zeros" => continue,
                other => panic!("{other} is not expected"),
            };
            assert_eq!(attributes(place), expected, "{name}");
        }

        let of = |name: &str| {
            let start = self.places[name].start;
            let mut mappings = set.totals_by_mapping();
            mappings
                .find(|(mapping, _)| mapping.start == start)
                .unwrap()
        };
        assert_eq!(of("holes").1.resident, 2 * MIB);
        assert!(of("untouched").1.is_empty());
        let file = of("file").1;
        assert_eq!((file.private, file.file), (MIB / 4, 3 * MIB / 4));
        let swapped = self.places.get("swapped").map_or(0, |_| MIB / 2);
        assert_eq!(answers.totals.swapped, swapped);
        assert_eq!(of("out").1.resident, MIB - swapped);
        if known.contains(ZERO) {
            assert_eq!(answers.totals.resident, self.figure("Rss:"));
            assert_eq!(answers.totals.private, self.figure("Anonymous:"));
            assert_eq!(answers.totals.huge, Some(self.figure("AnonHugePages:")));
        }

        let forked = &self.places["forked"];
        let pages = answers.pages.iter();
        let pages = pages.filter(|page| forked.contains(&page.address));
        let both = match is_root() {
            true => ShareCount::Exactly(2),
            false => ShareCount::MoreThanOne,
        };
        for page in pages {
            let expected = match page.address == forked.start + MIB / 2 {
                true => ShareCount::Exactly(1),
                false => both,
            };
            assert_eq!(page.shares, Some(expected), "{page:?}");
        }

        let protection = |name: &str| {
            let found = answers.asked.iter();
            let mut found = found.filter(|page| page.address == self.places[name].start);
            found.next().unwrap().protection
        };
        assert_eq!(protection("private"), Some(Protection::ReadWrite));
        assert_eq!(protection("no access"), Some(Protection::NoAccess));
        assert_eq!(protection("code"), Some(Protection::ExecuteRead));
        assert_eq!(protection("memory again"), Some(Protection::CopyOnWrite));

        let file = |name: &str| {
            let start = self.places[name].start;
            let at = answers.asked.iter().position(|page| page.address == start);
            answers.files[at.unwrap()].as_ref()
        };
        let found = file("file").unwrap();
        assert_eq!(
            (found.path.as_path(), found.deleted),
            (self.path.as_path(), true)
        );
        assert_eq!(file("private"), None);
        self.check_mappings(&answers.mappings);
    }

    /// The list is that of `maps`.
    fn check_mappings(&self, mappings: &[Mapping]) {
        let text = proc_file(self.subject.id(), "maps");
        let text = String::from_utf8(text).unwrap();
        let listed: Vec<(u64, u64)> = text
            .lines()
            .map(|line| {
                let (range, _) = line.split_once(' ').unwrap();
                let (start, end) = range.split_once('-').unwrap();
                let number = |text| u64::from_str_radix(text, 16).unwrap();
                (number(start), number(end))
            })
            .collect();
        let ours: Vec<_> = mappings.iter().map(|m| (m.start, m.end)).collect();
        assert_eq!(ours, listed);
    }

    fn figure(&self, name: &str) -> u64 {
        let text = proc_file(self.subject.id(), "smaps_rollup");
        let text = String::from_utf8(text).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024
    }

    fn has_huge(&self) -> bool {
        self.figure("AnonHugePages:") == 2 * MIB
    }
}

/// What one kernel, or what stands for it, answers.
struct Answers {
    pages: Vec<PageInfo>,
    totals: PageTotals,
    known: PageAttributes,
    asked: Vec<PageInfo>,
    modules: Vec<Module>,
    executable: Module,
    files: Vec<Option<MappedFile>>,
    mappings: Vec<Mapping>,
    set: WorkingSet,
}

fn has_huge_zeros() -> bool {
    let setting = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/use_zero_page");
    setting.is_ok_and(|setting| setting.trim() == "1")
}

fn working_set(process: &Process) -> WorkingSet {
    let options = WorkingSetOptions::new().with_private_share_counts();
    process
        .working_set_with(&options, |_| ControlFlow::Continue(()))
        .unwrap()
}

impl Answers {
    /// That both say the same, as far as both can tell.
    fn assert_same(&self, other: &Answers) {
        let known = self.known & other.known;
        for (ours, theirs) in [(&self.pages, &other.pages), (&self.asked, &other.asked)] {
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.iter().zip(theirs) {
                // Who does not know zeros knows neither what follows from them.
                let zeros = (ours.attributes | theirs.attributes) & (ZERO - known);
                let comparable = |page: &PageInfo| {
                    let mut page = *page;
                    page.attributes &= known;
                    if !zeros.is_empty() {
                        (page.shares, page.protection) = (None, None);
                    }
                    page
                };
                assert_eq!(comparable(ours), comparable(theirs));
            }
        }
        if self.known == other.known {
            // Libraries are mapped by whoever runs at the time.
            let without_counts = |totals: PageTotals| {
                let mut totals = totals;
                totals.shares = Default::default();
                totals
            };
            assert_eq!(without_counts(self.totals), without_counts(other.totals));
        }
        assert_eq!(self.mappings, other.mappings);
        assert_eq!(self.modules, other.modules);
        assert_eq!(self.executable, other.executable);
        assert_eq!(self.files, other.files);
    }
}

fn assert_all_ways_agree(arranged: &Arranged) {
    // The dynamic linker's list is read from the process's memory, and that may bring a page of it in.
    arranged.answers(&System::new());
    let mut first: Option<Answers> = None;
    for (which, requests) in withheld() {
        let refused = without_requests(requests, || arranged.answers(&System::new()));
        let left = arranged.answers(&told_to_leave(requests));
        for (how, answers) in [("refused", refused), ("left", left)] {
            eprintln!("{which}, {how}");
            arranged.check(&answers);
            if is_root() {
                let all =
                    PageAttributes::all() - PageAttributes::GUARD - PageAttributes::SOFT_DIRTY;
                assert!(answers.known.contains(all), "{:?}", answers.known);
            }
            match &first {
                Some(first) => first.assert_same(&answers),
                None => first = Some(answers),
            }
        }
    }
}

#[test]
fn every_way_has_the_answers_that_were_arranged() {
    let pool = HugePool::with_more(1);
    if pool.is_none() {
        skip("no hugetlb pages can be set aside: needs root, and free memory");
    }
    let swap = Swap::on(64 * MIB);
    if swap.is_none() {
        skip("no page file can be had: needs root, zram and util-linux");
    }
    let arranged = Arranged::start(pool.is_some());
    if !arranged.has_huge() {
        skip("this kernel gave no huge page");
    }
    if !arranged.places.contains_key("guards") {
        skip("this kernel makes no guard regions");
    }
    assert_eq!(arranged.places.contains_key("swapped"), swap.is_some());
    assert_all_ways_agree(&arranged);
}

#[test]
fn every_way_tells_a_user_the_same_of_his_own() {
    if !is_root() {
        return skip("needs root to become somebody else");
    }
    let _settled = Settled::as_they_are();
    as_nobody(|| assert_all_ways_agree(&Arranged::start(false)));
}

#[test]
fn a_refused_request_is_one_that_the_kernel_does_not_know() {
    let known = [PAGEMAP_SCAN, PROCMAP_QUERY].map(is_known);
    for (which, requests) in withheld() {
        let expected = [PAGEMAP_SCAN, PROCMAP_QUERY];
        let expected = expected.map(|request| is_known(request) && !requests.contains(&request));
        let found = without_requests(requests, || [PAGEMAP_SCAN, PROCMAP_QUERY].map(is_known));
        assert_eq!(found, expected, "{which}");
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(['.', '-'])
        .map(|number| number.parse::<u32>());
    let version = (
        numbers.next().unwrap().unwrap(),
        numbers.next().unwrap().unwrap(),
    );
    // Who has not been told of a request by mistake.
    assert_eq!(known, [version >= (6, 7), version >= (6, 11)]);
}
