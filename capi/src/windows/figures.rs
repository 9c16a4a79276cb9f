//! Peaks and pools, which the system records.

use psapi::{MemoryCounters, PageFile, PerformanceInfo};

use crate::win32_error::Result;
use crate::windows::handles::Target;

/// Peaks in bytes.
#[derive(Debug, Clone, Copy)]
pub struct ProcessPeaks {
    pub working_set: u64,
    pub commit: u64,
    pub nonpaged_pool: u64,
}

/// Returns the peaks of a process. The highest known value stands for a peak that is unknown.
pub fn process_peaks(_: &Target, counters: &MemoryCounters) -> Result<ProcessPeaks> {
    Ok(ProcessPeaks {
        working_set: counters.peak_working_set,
        commit: counters.peak_commit.unwrap_or(counters.commit),
        nonpaged_pool: counters
            .peak_nonpaged_pool
            .unwrap_or(nonpaged_pool(counters)),
    })
}

/// Returns the memory that the kernel holds for a process and cannot page out.
pub fn nonpaged_pool(counters: &MemoryCounters) -> u64 {
    counters.nonpaged_pool.unwrap_or(0)
}

/// Returns the peak of the pageable memory that the kernel holds for a process.
pub fn paged_pool_peak(counters: &MemoryCounters) -> u64 {
    counters.peak_paged_pool.unwrap_or(counters.paged_pool)
}

/// Returns the shared memory without a file that a process has charged.
pub fn shared_commit(counters: &MemoryCounters) -> Option<u64> {
    counters.shared_commit
}

/// Returns the peaks of page files in their order.
pub fn page_file_peaks(files: &[PageFile]) -> Vec<u64> {
    let peak = |file: &PageFile| file.peak.unwrap_or(file.in_use);
    files.iter().map(peak).collect()
}

/// Returns the highest commit charge since the system started.
pub fn commit_peak(info: &PerformanceInfo) -> u64 {
    info.commit_peak.unwrap_or(0).max(info.commit_total)
}
