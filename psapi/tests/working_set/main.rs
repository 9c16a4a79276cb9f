//! Working sets, compared with pages that a test process arranges. On Linux, by `PAGEMAP_SCAN` and
//! by `pagemap` entries.

#[cfg(target_os = "linux")]
mod absent_pages;
mod attributes;
#[cfg(target_os = "linux")]
mod linux;
mod queries;
mod shares;
mod totals;
#[cfg(windows)]
mod windows;

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

#[cfg(target_os = "linux")]
use psapi::PageTotals;
use psapi::{
    PageAttributes, PageInfo, PageRun, Process, ProcessId, System, WorkingSet, WorkingSetOptions,
};

#[cfg(target_os = "linux")]
use testing::kernel::kernel;
#[cfg(target_os = "linux")]
use testing::{Program, TestProcess, programs};

const MIB: u64 = 1 << 20;

/// A process, and the ranges of its pages by name. On Windows, it is the calling one.
struct Fixture {
    #[cfg(target_os = "linux")]
    subject: TestProcess,
    ranges: HashMap<String, Range<u64>>,
    _directory: tempfile::TempDir,
}

#[cfg(target_os = "linux")]
impl Fixture {
    fn start() -> Self {
        Fixture::of(&Program::compile(programs::PAGE_LAYOUT, &[]))
    }

    fn of(program: &Program) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        let subject = TestProcess::start(std::process::Command::new(&program.path).arg(file));
        subject.wait_for_sleep();
        let range = |text: &str| {
            let mut entries = text.split(' ');
            let name = entries.next().unwrap().to_owned();
            let mut number = || entries.next().unwrap().parse::<u64>().unwrap();
            let (start, size) = (number(), number());
            (name, start..start + size)
        };
        let ranges = subject.line.split(',').map(range).collect();
        Fixture {
            subject,
            ranges,
            _directory: directory,
        }
    }

    fn id(&self) -> ProcessId {
        self.subject.id()
    }
}

#[cfg(windows)]
impl Fixture {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Fixture {
            ranges: windows::arrange(&directory.path().join("file")),
            _directory: directory,
        }
    }

    fn id(&self) -> ProcessId {
        ProcessId::new(std::process::id())
    }
}

impl Fixture {
    fn process(&self, system: &System) -> Process {
        system.process(self.id()).unwrap()
    }

    fn contains(&self, page: &PageInfo) -> bool {
        let mut ranges = self.ranges.values();
        ranges.any(|range| range.contains(&page.address))
    }

    /// Removes the share count of a page outside of the fixture: other processes map library pages.
    fn forget_counts_of_others(&self, page: &mut PageInfo) {
        if !self.contains(page) {
            page.shares = None;
        }
    }

    fn at(&self, name: &str) -> Range<u64> {
        self.ranges[name].clone()
    }
}

/// Returns true if pages are read from `pagemap` entries, which every kernel before Linux 6.7
/// requires.
#[cfg(target_os = "linux")]
fn reads_entries(interface: &str) -> bool {
    interface == "entries" || kernel() < (6, 7)
}

/// Returns the runs that overlap a range.
fn within(set: &WorkingSet, range: Range<u64>) -> impl Iterator<Item = PageRun<'_>> {
    set.runs()
        .filter(move |run| run.start < range.end && range.start < run.end)
}

/// Returns the only run in a range, which must cover all of it.
fn one_run(set: &WorkingSet, range: Range<u64>) -> PageRun<'_> {
    let runs: Vec<_> = within(set, range.clone()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!((runs[0].start, runs[0].end), (range.start, range.end));
    runs[0]
}

/// Returns the totals of the mapping that contains the start of a range.
#[cfg(target_os = "linux")]
fn totals(set: &WorkingSet, at: &Range<u64>) -> PageTotals {
    let mut found = set
        .totals_by_mapping()
        .filter(|(mapping, _)| (mapping.start..mapping.end).contains(&at.start));
    found.next().unwrap().1
}

fn all_shares() -> WorkingSetOptions {
    WorkingSetOptions::new().with_private_share_counts()
}

fn read_working_set(process: &Process, options: &WorkingSetOptions) -> WorkingSet {
    process
        .working_set_with(options, |_| ControlFlow::Continue(()))
        .unwrap()
}

const RESIDENT: PageAttributes = PageAttributes::RESIDENT;

const FILE: PageAttributes = RESIDENT.union(PageAttributes::FILE);

const SOFT_DIRTY: PageAttributes = PageAttributes::SOFT_DIRTY;
