//! Figures of the API that Linux does not record: peaks, and the pools of the kernel.

use std::sync::atomic::{AtomicU64, Ordering};

use psapi::{MemoryCounters, PageFile, PerformanceInfo, ProcessId};

use crate::linux::handles::Target;
pub use crate::linux::peaks::ProcessPeaks;
use crate::linux::state;
use crate::system::system;
use crate::win32_error::Result;

/// Returns the peaks of a process, which last until the process ends, even without an open handle.
pub fn process_peaks(target: &Target, counters: &MemoryCounters) -> Result<ProcessPeaks> {
    let (id, start) = (target.process.id().get(), target.start()?);
    let current = ProcessPeaks {
        working_set: counters.peak_working_set,
        commit: counters.commit,
        nonpaged_pool: nonpaged_pool(counters),
    };
    let (peaks, is_due_for_sweep) = state::with(|state| {
        let peaks = state.peaks.of_process(id, start, current);
        (peaks, state.peaks.is_due_for_sweep())
    });
    if is_due_for_sweep && let Ok(live) = system().process_ids() {
        let live = live.into_iter().map(ProcessId::get).collect();
        state::with(|state| state.peaks.sweep(&live));
    }
    Ok(peaks)
}

/// Returns the memory that the kernel uses for a process. On Linux, that is its page tables.
pub fn nonpaged_pool(counters: &MemoryCounters) -> u64 {
    counters.nonpaged_pool.or(counters.page_tables).unwrap_or(0)
}

/// Returns the peak of the pageable memory that the kernel holds for a process. There is none.
pub fn paged_pool_peak(counters: &MemoryCounters) -> u64 {
    counters.paged_pool
}

/// Returns the shared memory without a file that a process has charged. On Linux, that is the
/// resident part.
pub fn shared_commit(counters: &MemoryCounters) -> Option<u64> {
    Some(counters.rss_shmem.unwrap_or(0))
}

/// Returns the peaks of page files in their order.
pub fn page_file_peaks(files: &[PageFile]) -> Vec<u64> {
    let in_use = files.iter().map(|file| (file.path.as_path(), file.in_use));
    state::with(|state| state.peaks.of_page_files(in_use))
}

/// The highest commit charge in bytes that this process has read.
static COMMIT_PEAK: AtomicU64 = AtomicU64::new(0);

/// Returns the highest commit charge so far.
pub fn commit_peak(info: &PerformanceInfo) -> u64 {
    let previous = COMMIT_PEAK.fetch_max(info.commit_total, Ordering::Relaxed);
    previous.max(info.commit_total)
}
