//! Which pages of a process are in memory.

mod difference;
mod empty;
mod identity;
mod options;
mod page_info;
mod query;
mod run;
mod saved;
mod snapshot;
mod totals;
mod transitions;
mod watch;

pub use difference::{
    DifferenceKind, DifferenceTotals, MappingDifference, PageDifference, WorkingSetDifference,
};
pub use empty::{
    EmptiedWorkingSet, RefusalReason, RefusedMapping, RemainingMemory, WorkingSetSize,
};
pub use options::{Progress, WorkingSetOptions};
pub use page_info::PageInfo;
pub(crate) use run::{Page, Shares};
pub use run::{PageAttributes, PageRun, Protection, ShareCount};
pub use totals::{PageTotals, ShareTotals};
pub use transitions::{PageTransitions, TransitionTotals};
pub use watch::{PageChanges, PageFault, WatchOptions, WorkingSetWatch};

use std::ffi::OsStr;
use std::time::{Duration, SystemTime};

use std::ops::Range;

use crate::mapping::Mapping;
use crate::module::Module;
use crate::process::ProcessId;
use identity::Identity;
use run::Run;

/// Which pages of a process were in memory, or in a page file, when it was asked: runs of
/// neighbouring pages of one mapping that are alike, by ascending address. It holds runs and not
/// pages, 24 bytes each, so that a large process takes little to describe.
///
/// Made by [`Process::working_set`](crate::Process::working_set).
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(alias = "PSAPI_WORKING_SET_INFORMATION")]
pub struct WorkingSet {
    identity: Identity,
    taken: SystemTime,
    page_size: u64,
    mappings: Vec<Mapping>,
    runs: Vec<Run>,
    known: PageAttributes,
}

impl WorkingSet {
    /// Whose it is.
    pub fn process(&self) -> ProcessId {
        self.identity.process
    }

    /// When that was started, as the time since boot, suspended time included.
    pub fn start(&self) -> Duration {
        self.identity.start
    }

    /// What the kernel called it: at most 15 bytes, which the process may change at any time.
    pub fn name(&self) -> &OsStr {
        &self.identity.name
    }

    /// When the kernel began to tell it.
    pub fn taken(&self) -> SystemTime {
        self.taken
    }

    /// The size of a page, in bytes.
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// What could be told of each page. Of an attribute that is missing here, no page says whether
    /// it has it: the kernel does not tell, or not this user.
    pub fn known(&self) -> PageAttributes {
        self.known
    }

    /// The mappings of the process, by ascending address, those without a page in memory included.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The runs, by ascending address.
    pub fn runs(&self) -> impl Iterator<Item = PageRun<'_>> {
        let run = |run: &Run| run.of(&self.mappings, self.page_size);
        self.runs.iter().map(run)
    }

    /// The pages one by one, by ascending address: those that are in memory, in a page file, or
    /// guards.
    #[doc(alias = "PSAPI_WORKING_SET_BLOCK")]
    pub fn pages(&self) -> impl Iterator<Item = PageInfo> {
        self.runs().flat_map(|run| {
            let addresses = (run.start..run.end).step_by(self.page_size as usize);
            addresses.map(move |address| PageInfo::in_run(address, &run))
        })
    }

    /// The pages of the whole process.
    pub fn totals(&self) -> PageTotals {
        self.sum(&self.runs)
    }

    /// The pages of each mapping, in the order of [`mappings`](Self::mappings).
    pub fn totals_by_mapping(&self) -> impl Iterator<Item = (&Mapping, PageTotals)> {
        let mut rest = &self.runs[..];
        self.mappings.iter().zip(0..).map(move |(mapping, index)| {
            let count = rest.partition_point(|run| run.mapping() <= index);
            let (own, behind) = rest.split_at(count);
            rest = behind;
            (mapping, self.sum(own))
        })
    }

    /// The pages of each module, in the order of the modules, whose addresses are those that
    /// [`Module::base`] and [`Module::size`] tell.
    pub fn totals_by_module<'m>(
        &self,
        modules: impl IntoIterator<Item = &'m Module>,
    ) -> impl Iterator<Item = (&'m Module, PageTotals)> {
        modules.into_iter().map(|module| {
            let mut totals = PageTotals::none(self.known);
            self.add_within(&mut totals, addresses(module));
            (module, totals)
        })
    }

    /// The pages that are in none of the modules: heap, stacks, other mappings.
    pub fn totals_outside<'m>(&self, modules: impl IntoIterator<Item = &'m Module>) -> PageTotals {
        let mut taken: Vec<Range<u64>> = modules.into_iter().map(addresses).collect();
        taken.sort_unstable_by_key(|range| range.start);
        let mut totals = PageTotals::none(self.known);
        let mut reached = 0;
        for range in taken {
            self.add_within(&mut totals, reached..range.start);
            reached = range.end.max(reached);
        }
        self.add_within(&mut totals, reached..u64::MAX);
        totals
    }

    /// Adds the pages of a range of addresses.
    fn add_within(&self, totals: &mut PageTotals, range: Range<u64>) {
        let first = self.runs.partition_point(|run| run.start() < range.start);
        // A run that begins before the range may reach into it.
        for run in &self.runs[first.saturating_sub(1)..] {
            let mut run = run.of(&self.mappings, self.page_size);
            if run.start >= range.end {
                break;
            }
            run.start = run.start.max(range.start);
            run.end = run.end.min(range.end);
            if run.start < run.end {
                totals.add(&run);
            }
        }
    }

    fn sum(&self, runs: &[Run]) -> PageTotals {
        let mut totals = PageTotals::none(self.known);
        for run in runs {
            totals.add(&run.of(&self.mappings, self.page_size));
        }
        totals
    }
}

/// The addresses that a module takes.
fn addresses(module: &Module) -> Range<u64> {
    module.base..module.base.saturating_add(module.size)
}
