//! Empties the working set of a process.

use std::ops::ControlFlow;

use super::class::ProcessClass;
use super::layouts::quota_limits;
use super::layouts::reader::Width;
use super::process::{Process, Rights};
use super::{memory_counters, nt, pages};
use crate::error::{ErrorKind, SourceError};
use crate::page::PageAttributes;
use crate::working_set::options::WorkingSetOptions;
use crate::working_set::{EmptiedWorkingSet, RemainingMemory, WorkingSet, WorkingSetSize};

/// Takes all pages out of the working set.
pub(crate) fn empty_working_set(process: &Process) -> Result<EmptiedWorkingSet, SourceError> {
    let class = ProcessClass::ProcessQuotaLimits;
    process.check_alive(class.set_call())?;
    let handle = process.handle(Rights::SET_QUOTA)?;
    let (before, _) = measure(process)?;
    let mut limits = quota_limits::empty_working_set(Width::NATIVE);
    nt::set_process(handle, class, &mut limits)
        .check()
        .map_err(|status| process.error(class.set_call(), status))?;
    let (after, remaining) = measure(process)?;
    Ok(EmptiedWorkingSet {
        before,
        after,
        remaining,
        refused: Vec::new(),
    })
}

/// Returns the size of the working set, and the reasons why its pages would stay.
///
/// The right to empty a working set does not include the right to see its pages. Without that, the
/// size is that of the process's counters, and the reasons are unknown. The two sources can count
/// different pages as private, so both sizes of a result come from one of them.
fn measure(process: &Process) -> Result<(WorkingSetSize, RemainingMemory), SourceError> {
    match list(process) {
        Ok(set) => Ok((listed_size(&set), remaining(&set))),
        Err(error) if error.kind(Some(process.id())) == ErrorKind::AccessDenied => {
            let size = counted_size(process)?.ok_or(error)?;
            let remaining = RemainingMemory {
                other: size.total(),
                ..RemainingMemory::default()
            };
            Ok((size, remaining))
        }
        Err(error) => Err(error),
    }
}

/// Returns the size that the counters of the process report; `None` if they do not distinguish
/// private pages.
fn counted_size(process: &Process) -> Result<Option<WorkingSetSize>, SourceError> {
    let counters = memory_counters(process)?;
    Ok(counters.rss_anon.map(|private| WorkingSetSize {
        private,
        file: counters.working_set.saturating_sub(private),
    }))
}

fn list(process: &Process) -> Result<WorkingSet, SourceError> {
    let options = WorkingSetOptions::new().without_share_counts();
    pages::working_set(process, &options, &mut |_| ControlFlow::Continue(()))
}

fn listed_size(set: &WorkingSet) -> WorkingSetSize {
    let totals = set.totals();
    WorkingSetSize {
        private: totals.private,
        file: totals.file,
    }
}

fn remaining(set: &WorkingSet) -> RemainingMemory {
    let mut remaining = RemainingMemory::default();
    for run in set.runs().filter(|run| run.is_counted()) {
        if run.attributes.contains(PageAttributes::LOCKED) {
            remaining.locked += run.size();
        } else {
            remaining.other += run.size();
        }
    }
    remaining
}
