//! One process with pages of every kind. It is queried normally, and while a system call filter
//! denies `PAGEMAP_SCAN`, `PROCMAP_QUERY` or both, as on older kernels. All results must match the
//! fixture and each other.

// The interfaces that fall back are Linux's.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::process::Command;

use psapi::{
    MappedFile, Mapping, Module, ModuleFields, ModuleFilter, PageAttributes, PageInfo, PageTotals,
    Process, Protection, ShareCount, System, WorkingSet, WorkingSetOptions,
};

use testing::huge_pool::HugePool;
use testing::interfaces::{disabled_sets, with_disabled};
use testing::privilege::{is_root, unprivileged};
use testing::seccomp::{PAGEMAP_SCAN, PROCMAP_QUERY, is_supported, without_requests};
use testing::swap::{Swap, SwapState};
use testing::{Program, TestProcess, proc_file, programs, public_directory, skip};

const MIB: u64 = 1 << 20;
const RESIDENT: PageAttributes = PageAttributes::RESIDENT;
const FILE: PageAttributes = RESIDENT.union(PageAttributes::FILE);
const ZERO: PageAttributes = PageAttributes::ZERO;
const HUGE: PageAttributes = PageAttributes::HUGE;

/// A process, and the ranges of its pages by name.
struct Fixture {
    subject: TestProcess,
    ranges: BTreeMap<String, Range<u64>>,
    path: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn start(hugetlb: bool) -> Self {
        let program = Program::compile(programs::ALL_PAGE_KINDS, &[]);
        let directory = public_directory();
        let path = directory.path().join("file");
        let mut command = Command::new(&program.path);
        command.arg(&path).args(hugetlb.then_some("hugetlb"));
        let subject = TestProcess::start(&mut command);
        subject.wait_for_sleep();
        let ranges = subject.line.split(',').map(|range| {
            let (range, size) = range.rsplit_once(' ').unwrap();
            let (name, start) = range.rsplit_once(' ').unwrap();
            let (start, size): (u64, u64) = (start.parse().unwrap(), size.parse().unwrap());
            (name.to_owned(), start..start + size)
        });
        Fixture {
            ranges: ranges.filter(|(_, range)| range.start != 0).collect(),
            subject,
            path,
            _directory: directory,
        }
    }

    fn results(&self, system: &System) -> Results {
        let process = system.process(self.subject.id()).unwrap();
        let mappings = process.mappings().unwrap();
        let set = working_set(&process);
        let addresses = mappings.iter().flat_map(|m| [m.start, m.end - 1, m.end]);
        let addresses: Vec<u64> = addresses.collect();
        Results {
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

    /// Removes share counts outside of the fixture: other processes map library pages as well.
    fn without_others(&self, pages: impl IntoIterator<Item = PageInfo>) -> Vec<PageInfo> {
        let is_ours = |address| {
            let mut ranges = self.ranges.values();
            ranges.any(|range| range.contains(&address))
        };
        let pages = pages.into_iter().map(|mut page| {
            if !is_ours(page.address) {
                page.shares = None;
            }
            page
        });
        pages.collect()
    }

    /// Asserts that the results match the fixture.
    fn check(&self, results: &Results) {
        let known = results.known;
        let told = known - PageAttributes::SOFT_DIRTY;
        let set = &results.set;
        let attributes = |range: &Range<u64>| -> Vec<_> {
            let runs = set
                .runs()
                .filter(|run| run.start < range.end && range.start < run.end);
            let found = runs.map(|run| (run.start..run.end, run.attributes & told));
            let mut found: Vec<_> = found.filter(|(_, what)| !what.is_empty()).collect();
            // Runs can differ in their share counts only.
            found.dedup_by(|next, run| {
                let is_same = run.0.end == next.0.start && run.1 == next.1;
                if is_same {
                    run.0.end = next.0.end;
                }
                is_same
            });
            found
        };
        for (name, range) in &self.ranges {
            let half = range.start..range.start + (range.end - range.start) / 2;
            let quarter = half.start..half.start + (half.end - half.start) / 2;
            let all = |attributes| vec![(range.clone(), attributes)];
            let expected = match name.as_str() {
                "forked" | "private" | "no access" | "code" => all(RESIDENT),
                "locked" => all(RESIDENT | PageAttributes::LOCKED),
                "shared" | "memory" | "memory again" => all(FILE),
                "untouched" => vec![],
                "zeros" => all(RESIDENT | ZERO & known),
                "file" => vec![(quarter.clone(), RESIDENT), (quarter.end..range.end, FILE)],
                "holes" => {
                    let pages = range.clone().step_by(8192);
                    pages.map(|page| (page..page + 4096, RESIDENT)).collect()
                }
                "huge" if self.has_huge() => all(RESIDENT | HUGE & known),
                "huge zeros" if self.has_huge() && has_huge_zeros() => {
                    all(RESIDENT | (ZERO | HUGE) & known)
                }
                "hugetlb" => all(RESIDENT | HUGE | PageAttributes::HUGETLB),
                "swapped" => all(PageAttributes::SWAPPED),
                "guards" if known.contains(PageAttributes::GUARD) => all(PageAttributes::GUARD),
                "guards" => vec![],
                "out" | "guarded" | "huge" | "huge zeros" => continue,
                other => panic!("unexpected range {other}"),
            };
            assert_eq!(attributes(range), expected, "{name}");
        }

        let mapping = |name: &str| {
            let start = self.ranges[name].start;
            let mut mappings = set.totals_by_mapping();
            mappings
                .find(|(mapping, _)| mapping.start == start)
                .unwrap()
        };
        assert_eq!(mapping("holes").1.resident, 2 * MIB);
        assert!(mapping("untouched").1.is_empty());
        let file = mapping("file").1;
        assert_eq!((file.private, file.file), (MIB / 4, 3 * MIB / 4));
        let swapped = self.ranges.get("swapped").map_or(0, |_| MIB / 2);
        assert_eq!(results.totals.swapped, Some(swapped));
        assert_eq!(mapping("out").1.resident, MIB - swapped);
        if known.contains(ZERO) {
            assert_eq!(results.totals.resident, self.rollup_field("Rss:"));
            assert_eq!(results.totals.private, self.rollup_field("Anonymous:"));
            assert_eq!(
                results.totals.huge,
                Some(self.rollup_field("AnonHugePages:"))
            );
        }

        let forked = &self.ranges["forked"];
        let pages = results.pages.iter();
        let pages = pages.filter(|page| forked.contains(&page.address));
        let both = if is_root() {
            ShareCount::Exactly(2)
        } else {
            ShareCount::MoreThanOne
        };
        for page in pages {
            let expected = if page.address == forked.start + MIB / 2 {
                ShareCount::Exactly(1)
            } else {
                both
            };
            assert_eq!(page.shares, Some(expected), "{page:?}");
        }

        let protection = |name: &str| {
            let found = results.asked.iter();
            let mut found = found.filter(|page| page.address == self.ranges[name].start);
            found.next().unwrap().protection
        };
        assert_eq!(protection("private"), Some(Protection::ReadWrite));
        assert_eq!(protection("no access"), Some(Protection::NoAccess));
        assert_eq!(protection("code"), Some(Protection::ExecuteRead));
        assert_eq!(protection("memory again"), Some(Protection::CopyOnWrite));

        let file = |name: &str| {
            let start = self.ranges[name].start;
            let at = results.asked.iter().position(|page| page.address == start);
            results.files[at.unwrap()].as_ref()
        };
        let found = file("file").unwrap();
        assert_eq!(
            (found.path.as_path(), found.deleted),
            (self.path.as_path(), true)
        );
        assert_eq!(file("private"), None);
        self.check_mappings(&results.mappings);
    }

    /// Asserts that the mappings are those in `maps`.
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

    fn rollup_field(&self, name: &str) -> u64 {
        let text = proc_file(self.subject.id(), "smaps_rollup");
        let text = String::from_utf8(text).unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib * 1024
    }

    fn has_huge(&self) -> bool {
        self.rollup_field("AnonHugePages:") == 2 * MIB
    }
}

/// The results of all queries with one set of interfaces.
struct Results {
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

impl Results {
    /// Asserts that both results are equal in all attributes known to both.
    fn assert_same(&self, other: &Results) {
        let known = self.known & other.known;
        for (ours, theirs) in [(&self.pages, &other.pages), (&self.asked, &other.asked)] {
            assert_eq!(ours.len(), theirs.len());
            for (ours, theirs) in ours.iter().zip(theirs) {
                // Share counts and protection depend on whether zero pages are known.
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
            // Other processes map library pages as well.
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

fn assert_interfaces_agree(fixture: &Fixture) {
    // Reading the dynamic linker's list from memory can fault in a page: do that first.
    fixture.results(&System::new());
    let mut first: Option<Results> = None;
    for (name, requests) in disabled_sets() {
        let denied = without_requests(requests, || fixture.results(&System::new()));
        let disabled = fixture.results(&with_disabled(requests));
        for (how, results) in [("denied", denied), ("disabled", disabled)] {
            eprintln!("{name}, {how}");
            fixture.check(&results);
            if is_root() {
                let all =
                    PageAttributes::all() - PageAttributes::GUARD - PageAttributes::SOFT_DIRTY;
                assert!(results.known.contains(all), "{:?}", results.known);
            }
            match &first {
                Some(first) => first.assert_same(&results),
                None => first = Some(results),
            }
        }
    }
}

#[test]
fn interfaces_agree_with_fixture() {
    let pool = HugePool::grow(1);
    if pool.is_none() {
        skip("cannot reserve hugetlb pages: needs root and free memory");
    }
    let swap = Swap::on(64 * MIB);
    if swap.is_none() {
        skip("cannot add a page file: needs root, zram and util-linux");
    }
    let fixture = Fixture::start(pool.is_some());
    if !fixture.has_huge() {
        skip("the kernel provided no huge page");
    }
    if !fixture.ranges.contains_key("guards") {
        skip("the kernel lacks MADV_GUARD_INSTALL");
    }
    assert_eq!(fixture.ranges.contains_key("swapped"), swap.is_some());
    assert_interfaces_agree(&fixture);
}

#[test]
fn interfaces_agree_unprivileged() {
    if !is_root() {
        return skip("needs root to change the user");
    }
    let _swap_state = SwapState::lock();
    unprivileged(|| assert_interfaces_agree(&Fixture::start(false)));
}

#[test]
fn denied_request_looks_unsupported() {
    let known = [PAGEMAP_SCAN, PROCMAP_QUERY].map(is_supported);
    for (name, requests) in disabled_sets() {
        let expected = [PAGEMAP_SCAN, PROCMAP_QUERY];
        let expected =
            expected.map(|request| is_supported(request) && !requests.contains(&request));
        let found = without_requests(requests, || [PAGEMAP_SCAN, PROCMAP_QUERY].map(is_supported));
        assert_eq!(found, expected, "{name}");
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(['.', '-'])
        .map(|number| number.parse::<u32>());
    let version = (
        numbers.next().unwrap().unwrap(),
        numbers.next().unwrap().unwrap(),
    );
    // `is_supported` must agree with the kernel's version.
    assert_eq!(known, [version >= (6, 7), version >= (6, 11)]);
}
