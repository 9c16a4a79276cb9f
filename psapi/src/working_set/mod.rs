//! Working sets: the pages of a process that are in memory, and what changes about them.
//!
//! The types here are plain data. They are filled in by the platform, or by a file that a working
//! set was saved to.

mod difference;
mod empty;
pub(crate) mod identity;
pub(crate) mod options;
pub(crate) mod page_fault;
pub(crate) mod page_info;
mod ranges;
pub(crate) mod run;
mod saved;
mod totals;
mod transitions;
pub(crate) mod watch;

pub use difference::{
    DifferenceKind, DifferenceTotals, MappingDifference, PageDifference, WorkingSetDifference,
};
pub use empty::{
    EmptiedWorkingSet, RefusalReason, RefusedMapping, RemainingMemory, WorkingSetSize,
};
pub use options::{Progress, WorkingSetOptions};
#[cfg(windows)]
pub use page_fault::RecordedFaults;
pub use page_fault::{PageChanges, PageFault, WatchOptions};
pub use page_info::PageInfo;
pub use run::{PageRun, Protection};
pub use totals::{PageTotals, ShareTotals};
pub use transitions::{PageTransitions, TransitionTotals};

use std::ffi::OsStr;
use std::ops::Range;
use std::time::SystemTime;

use crate::mapping::Mapping;
use crate::module::Module;
use crate::page::PageAttributes;
use crate::process_id::ProcessId;
use crate::start_time::StartTime;
use identity::Identity;
use ranges::Ranges;
use run::Run;

/// The pages of a process that were in memory, or in a page file, at one moment.
///
/// Pages are stored as runs of equal neighboring pages of one mapping, by ascending address. A run
/// takes 24 bytes, so that even a large process takes little memory to describe.
///
/// Returned by [`Process::working_set`](crate::Process::working_set).
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(alias = "PSAPI_WORKING_SET_INFORMATION")]
pub struct WorkingSet {
    pub(crate) identity: Identity,
    pub(crate) taken_at: SystemTime,
    pub(crate) page_size: u64,
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) runs: Vec<Run>,
    pub(crate) known: PageAttributes,
}

impl WorkingSet {
    /// Returns the id of the process.
    pub fn process(&self) -> ProcessId {
        self.identity.process
    }

    /// Returns when the process started.
    pub fn start(&self) -> StartTime {
        self.identity.start
    }

    /// Returns the kernel's name of the process: on Linux at most 15 bytes, which the process can
    /// change at any time, and on Windows the name of the image file.
    pub fn name(&self) -> &OsStr {
        &self.identity.name
    }

    /// Returns the time at which the scan of the pages began.
    pub fn taken_at(&self) -> SystemTime {
        self.taken_at
    }

    /// Returns the size of a page, in bytes.
    pub fn page_size(&self) -> u64 {
        self.page_size
    }

    /// Returns the attributes that the kernel reported. For all others, absence from a page means
    /// *unknown*: the kernel does not report them, or not to this user.
    pub fn known(&self) -> PageAttributes {
        self.known
    }

    /// Returns the mappings of the process, by ascending address, including those without a page in
    /// memory.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// Returns the runs, by ascending address.
    pub fn runs(&self) -> impl Iterator<Item = PageRun<'_>> {
        let run = |run: &Run| run.expand(&self.mappings, self.page_size);
        self.runs.iter().map(run)
    }

    /// Returns the pages one by one, by ascending address. Includes pages in memory, in page files
    /// and in guard regions.
    #[doc(alias = "PSAPI_WORKING_SET_BLOCK")]
    pub fn pages(&self) -> impl Iterator<Item = PageInfo> {
        self.runs().flat_map(|run| {
            let addresses = (run.start..run.end).step_by(self.page_size as usize);
            addresses.map(move |address| PageInfo::in_run(address, &run))
        })
    }

    /// Returns the totals of the whole process.
    pub fn totals(&self) -> PageTotals {
        self.sum(&self.runs)
    }

    /// Returns the totals of each mapping, in the order of [`mappings`](Self::mappings).
    pub fn totals_by_mapping(&self) -> impl Iterator<Item = (&Mapping, PageTotals)> {
        let mut rest = &self.runs[..];
        self.mappings.iter().zip(0..).map(move |(mapping, index)| {
            let count = rest.partition_point(|run| run.mapping() <= index);
            let (own, others) = rest.split_at(count);
            rest = others;
            (mapping, self.sum(own))
        })
    }

    /// Returns the totals of each module, in the order of the modules. A module covers the
    /// addresses given by [`Module::base`] and [`Module::size`].
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

    /// Returns the totals of the pages outside of the modules: heap, stacks and other mappings.
    pub fn totals_outside<'m>(&self, modules: impl IntoIterator<Item = &'m Module>) -> PageTotals {
        let mut covered: Vec<Range<u64>> = modules.into_iter().map(addresses).collect();
        covered.sort_unstable_by_key(|range| range.start);
        let mut totals = PageTotals::none(self.known);
        let mut reached = 0;
        for range in covered {
            self.add_within(&mut totals, reached..range.start);
            reached = range.end.max(reached);
        }
        self.add_within(&mut totals, reached..u64::MAX);
        totals
    }

    /// Returns the totals of each range of addresses, and of the pages outside of all ranges.
    ///
    /// The totals are in the order of the ranges. Where ranges overlap, a page counts for the range
    /// that begins first. So the sum of all totals is that of the whole process.
    ///
    /// ```
    /// let set = psapi::System::new().current_process()?.working_set()?;
    /// let code = set.mappings().iter().filter(|mapping| mapping.executable);
    /// let code: Vec<_> = code.map(|mapping| mapping.start..mapping.end).collect();
    /// let (by_range, rest) = set.totals_by_range(&code);
    /// let resident: u64 = by_range.iter().map(|totals| totals.resident).sum();
    /// assert_eq!(resident + rest.resident, set.totals().resident);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    pub fn totals_by_range(&self, ranges: &[Range<u64>]) -> (Vec<PageTotals>, PageTotals) {
        let none = PageTotals::none(self.known);
        let (mut totals, mut rest) = (vec![none; ranges.len()], none);
        let ranges = Ranges::new(ranges);
        for mut run in self.runs() {
            let end = run.end;
            while run.start < end {
                let (range, until) = ranges.find(run.start);
                run.end = end.min(until);
                range
                    .map_or(&mut rest, |range| &mut totals[range])
                    .add(&run);
                run.start = run.end;
            }
        }
        (totals, rest)
    }

    /// Adds the pages in a range of addresses.
    fn add_within(&self, totals: &mut PageTotals, range: Range<u64>) {
        let first = self.runs.partition_point(|run| run.start() < range.start);
        // A run that begins before the range can reach into it.
        for run in &self.runs[first.saturating_sub(1)..] {
            let mut run = run.expand(&self.mappings, self.page_size);
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
            totals.add(&run.expand(&self.mappings, self.page_size));
        }
        totals
    }
}

/// Returns the addresses that a module covers.
fn addresses(module: &Module) -> Range<u64> {
    module.base..module.base.saturating_add(module.size)
}
