//! `GetPerformanceInfo`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::address::{narrow, size};
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::system::system;
use crate::types::{BOOL, DWORD, PERFORMANCE_INFORMATION, TRUE};

/// The highest commit charge that this process has seen: Linux keeps none.
static COMMIT_PEAK: AtomicU64 = AtomicU64::new(0);

pub fn information(to: *mut PERFORMANCE_INFORMATION, cb: DWORD) -> Answer<BOOL> {
    if (cb as usize) < size_of::<PERFORMANCE_INFORMATION>() {
        return Err(Code::BAD_LENGTH);
    }
    let info = system()
        .performance_info()
        .map_err(|error| Code::of_system(&error))?;
    let before = COMMIT_PEAK.fetch_max(info.commit_total, Ordering::Relaxed);
    let pages = |bytes: u64| size(bytes / info.page_size);
    let information = PERFORMANCE_INFORMATION {
        cb: size_of::<PERFORMANCE_INFORMATION>() as DWORD,
        #[cfg(target_pointer_width = "64")]
        Reserved: 0,
        CommitTotal: pages(info.commit_total),
        CommitLimit: pages(info.commit_limit),
        CommitPeak: pages(before.max(info.commit_total)),
        PhysicalTotal: pages(info.physical_total),
        PhysicalAvailable: pages(info.physical_available),
        SystemCache: pages(info.system_cache),
        KernelTotal: pages(info.kernel_total),
        KernelPaged: pages(info.kernel_paged),
        KernelNonpaged: pages(info.kernel_nonpaged),
        PageSize: size(info.page_size),
        HandleCount: narrow(info.handle_count.unwrap_or(0)),
        ProcessCount: narrow(info.process_count),
        ThreadCount: narrow(info.thread_count),
        #[cfg(target_pointer_width = "64")]
        Reserved2: 0,
    };
    caller::write(to, &information)?;
    Ok(TRUE)
}
