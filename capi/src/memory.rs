//! `GetProcessMemoryInfo`.

use psapi::MemoryCounters;

use crate::convert::{to_dword, to_size};
use crate::platform::figures::{self, ProcessPeaks};
use crate::platform::handles::resolve;
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{
    BOOL, DWORD, HANDLE, PROCESS_MEMORY_COUNTERS, PROCESS_MEMORY_COUNTERS_EX2, TRUE,
};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// The sizes of `PROCESS_MEMORY_COUNTERS`, `_EX` and `_EX2`. Each structure starts with the fields
/// of the previous one.
const SIZES: [usize; 3] = [
    std::mem::offset_of!(PROCESS_MEMORY_COUNTERS_EX2, PrivateUsage),
    std::mem::offset_of!(PROCESS_MEMORY_COUNTERS_EX2, PrivateWorkingSetSize),
    size_of::<PROCESS_MEMORY_COUNTERS_EX2>(),
];

/// Returns the size of the largest structure that fits into `cb` bytes and whose figures are known.
/// `_EX2` has two that older versions of Windows lack.
fn size(cb: DWORD, counters: &MemoryCounters) -> usize {
    let has_all = counters.rss_anon.is_some() && figures::shared_commit(counters).is_some();
    let known = if has_all { SIZES[2] } else { SIZES[1] };
    let fits = |size: &usize| *size <= (cb as usize).min(known);
    SIZES.into_iter().rfind(fits).unwrap_or(SIZES[0])
}

/// Implements `GetProcessMemoryInfo`. Fills the largest of the three structures that fits into `cb`
/// bytes.
pub fn information(process: HANDLE, to: *mut PROCESS_MEMORY_COUNTERS, cb: DWORD) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    if (cb as usize) < SIZES[0] {
        return Err(Win32Error::INSUFFICIENT_BUFFER);
    }
    let counters = target
        .process
        .memory_counters()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    let size = size(cb, &counters);
    let structure = structure(&counters, figures::process_peaks(&target, &counters)?, size);
    user_memory::write_prefix(to, &structure, size)?;
    Ok(TRUE)
}

fn structure(
    counters: &MemoryCounters,
    peaks: ProcessPeaks,
    size: usize,
) -> PROCESS_MEMORY_COUNTERS_EX2 {
    let commit = to_size(counters.commit);
    PROCESS_MEMORY_COUNTERS_EX2 {
        cb: to_dword(size as u64),
        PageFaultCount: counters.faults.total() as DWORD,
        PeakWorkingSetSize: to_size(peaks.working_set),
        WorkingSetSize: to_size(counters.working_set),
        QuotaPeakPagedPoolUsage: to_size(figures::paged_pool_peak(counters)),
        QuotaPagedPoolUsage: to_size(counters.paged_pool),
        QuotaPeakNonPagedPoolUsage: to_size(peaks.nonpaged_pool),
        QuotaNonPagedPoolUsage: to_size(figures::nonpaged_pool(counters)),
        PagefileUsage: commit,
        PeakPagefileUsage: to_size(peaks.commit),
        PrivateUsage: commit,
        PrivateWorkingSetSize: to_size(counters.rss_anon.unwrap_or(0)),
        SharedCommitUsage: figures::shared_commit(counters).unwrap_or(0),
    }
}
