//! `GetProcessMemoryInfo`.

use psapi::MemoryCounters;

use crate::address::{narrow, size};
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::handles::resolve;
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{
    BOOL, DWORD, HANDLE, PROCESS_MEMORY_COUNTERS, PROCESS_MEMORY_COUNTERS_EX2, TRUE,
};

/// The sizes of `PROCESS_MEMORY_COUNTERS`, `_EX` and `_EX2`, of which each begins with the one
/// before it.
const SIZES: [usize; 3] = [
    std::mem::offset_of!(PROCESS_MEMORY_COUNTERS_EX2, PrivateUsage),
    std::mem::offset_of!(PROCESS_MEMORY_COUNTERS_EX2, PrivateWorkingSetSize),
    size_of::<PROCESS_MEMORY_COUNTERS_EX2>(),
];

/// Fills the largest of the three structures that has room.
pub fn information(process: HANDLE, to: *mut PROCESS_MEMORY_COUNTERS, cb: DWORD) -> Answer<BOOL> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let filled = SIZES.into_iter().rfind(|&size| size <= cb as usize);
    let filled = filled.ok_or(Code::INSUFFICIENT_BUFFER)?;
    let counters = target
        .process
        .memory_counters()
        .map_err(|error| Code::of_process(&error))?;
    let counters = structure(&counters, filled);
    caller::write_beginning(to, &counters, filled)?;
    Ok(TRUE)
}

fn structure(counters: &MemoryCounters, filled: usize) -> PROCESS_MEMORY_COUNTERS_EX2 {
    // Linux keeps no peaks of these: there was at least what there is.
    let commit = size(counters.commit);
    let paged_pool = size(counters.paged_pool);
    let nonpaged_pool = size(counters.nonpaged_pool.unwrap_or(counters.page_tables));
    PROCESS_MEMORY_COUNTERS_EX2 {
        cb: narrow(filled as u64),
        PageFaultCount: counters.faults.total() as DWORD,
        PeakWorkingSetSize: size(counters.peak_working_set),
        WorkingSetSize: size(counters.working_set),
        QuotaPeakPagedPoolUsage: paged_pool,
        QuotaPagedPoolUsage: paged_pool,
        QuotaPeakNonPagedPoolUsage: nonpaged_pool,
        QuotaNonPagedPoolUsage: nonpaged_pool,
        PagefileUsage: commit,
        PeakPagefileUsage: size(counters.peak_commit.unwrap_or(counters.commit)),
        PrivateUsage: commit,
        PrivateWorkingSetSize: size(counters.rss_anon),
        SharedCommitUsage: counters.rss_shmem,
    }
}
