//! Memory figures of a process: `ProcessVmCounters`, in the longest form that the system has.

use super::buffer::Fixed;
use super::class::ProcessClass;
use super::layouts::reader::Width;
use super::layouts::vm_counters::{self, VmCounters};
use super::nt;
use super::process::Process;
use super::system::truncated;
use crate::error::{ErrorCause, SourceError};
use crate::memory::{ExactMemory, FaultCount, MemoryCounters};

const CLASS: ProcessClass = ProcessClass::ProcessVmCounters;

/// Reads the memory counters.
pub(crate) fn memory_counters(process: &Process) -> Result<MemoryCounters, SourceError> {
    let mut buffer = Fixed::<{ vm_counters::MAX_SIZE }>::new();
    let mut answer = Ok(&[][..]);
    for size in vm_counters::sizes(Width::NATIVE) {
        let query =
            |bytes: &mut [u8]| nt::query_process(process.limited(), CLASS, &mut bytes[..size]);
        answer = match buffer.fill(query) {
            Ok(_) => Ok(&buffer.0[..size]),
            Err(status) => Err(status),
        };
        // The system does not know this form.
        if !answer.is_err_and(|status| status.is_too_short()) {
            break;
        }
    }
    let bytes = answer.map_err(|status| process.error(CLASS, status))?;
    let counters = VmCounters::parse(bytes, Width::NATIVE).ok_or_else(|| truncated(CLASS))?;
    process.check_alive(CLASS)?;
    let faults = FaultCount {
        total: counters.page_faults.into(),
        minor: None,
        major: None,
    };
    Ok(counters_with(&counters, faults))
}

/// Returns the counters, with the faults that another source has.
pub(crate) fn counters_with(counters: &VmCounters, faults: FaultCount) -> MemoryCounters {
    let pool = |size: u64| counters.has_pools().then_some(size);
    MemoryCounters {
        faults,
        working_set: counters.working_set,
        peak_working_set: counters.peak_working_set.max(counters.working_set),
        // Both are the same figure. Each is 0 in some versions of Windows.
        commit: counters.page_file.max(counters.private_usage.unwrap_or(0)),
        peak_commit: Some(counters.peak_page_file),
        paged_pool: counters.paged_pool,
        peak_paged_pool: pool(counters.peak_paged_pool),
        peak_nonpaged_pool: pool(counters.peak_nonpaged_pool),
        nonpaged_pool: pool(counters.nonpaged_pool),
        rss_anon: counters.private_working_set,
        shared_commit: counters.shared_commit,
        virtual_size: counters.virtual_size,
        peak_virtual_size: counters.peak_virtual_size.max(counters.virtual_size),
        ..MemoryCounters::default()
    }
}

/// Windows does not divide shared memory among processes.
pub(crate) fn exact_memory(process: &Process) -> Result<ExactMemory, SourceError> {
    process.check_alive(CLASS)?;
    let reason = "Windows does not report proportional shares of memory";
    Err(SourceError::new("", ErrorCause::Unsupported(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNFILLED: VmCounters = VmCounters {
        peak_virtual_size: 2,
        virtual_size: 1,
        page_faults: 0,
        peak_working_set: 4096,
        working_set: 4096,
        peak_paged_pool: 0,
        paged_pool: 0,
        peak_nonpaged_pool: 0,
        nonpaged_pool: 0,
        page_file: 4096,
        peak_page_file: 4096,
        private_usage: None,
        private_working_set: None,
        shared_commit: None,
    };

    fn pools(counters: &VmCounters) -> [Option<u64>; 3] {
        let counters = counters_with(counters, FaultCount::default());
        [
            counters.nonpaged_pool,
            counters.peak_nonpaged_pool,
            counters.peak_paged_pool,
        ]
    }

    #[test]
    fn unfilled_pools_are_unknown() {
        assert_eq!(pools(&UNFILLED), [None; 3]);
        let filled = VmCounters {
            peak_paged_pool: 5,
            ..UNFILLED
        };
        assert_eq!(pools(&filled), [Some(0), Some(0), Some(5)]);
        // The idle process has no memory and no pools.
        let idle = VmCounters {
            working_set: 0,
            ..UNFILLED
        };
        assert_eq!(pools(&idle), [Some(0); 3]);
    }
}
