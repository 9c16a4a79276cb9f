//! Working sets, compared with pages that a test process arranges, by `PAGEMAP_SCAN` and by
//! `pagemap` entries.

// The facts are Linux's. `own_pages` has the tests for every system.
#![cfg(target_os = "linux")]

mod absent_pages;
mod attributes;
mod queries;
mod shares;
mod totals;

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use psapi::{
    PageAttributes, PageInfo, PageRun, PageTotals, Process, System, WorkingSet, WorkingSetOptions,
};

use testing::kernel::kernel;
use testing::{Program, TestProcess, programs};

const MIB: u64 = 1 << 20;

/// A process, and the ranges of its pages by name.
struct Fixture {
    subject: TestProcess,
    ranges: HashMap<String, Range<u64>>,
    _directory: tempfile::TempDir,
}

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

    fn process(&self, system: &System) -> Process {
        system.process(self.subject.id()).unwrap()
    }

    /// Removes the share count of a page outside of the fixture: other processes map library pages.
    fn forget_counts_of_others(&self, page: &mut PageInfo) {
        if !self
            .ranges
            .values()
            .any(|range| range.contains(&page.address))
        {
            page.shares = None;
        }
    }

    fn at(&self, name: &str) -> Range<u64> {
        self.ranges[name].clone()
    }
}

/// Returns true if pages are read from `pagemap` entries, which every kernel before Linux 6.7
/// requires.
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
