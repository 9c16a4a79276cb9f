//! `GetPerformanceInfo`.

use crate::convert::{to_dword, to_size};
use crate::platform::figures;
use crate::system::system;
use crate::types::{BOOL, DWORD, PERFORMANCE_INFORMATION, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Implements `GetPerformanceInfo`.
pub fn information(to: *mut PERFORMANCE_INFORMATION, cb: DWORD) -> Result<BOOL> {
    if (cb as usize) < size_of::<PERFORMANCE_INFORMATION>() {
        return Err(Win32Error::BAD_LENGTH);
    }
    let info = system()
        .performance_info()
        .map_err(|error| Win32Error::from_system_error(&error))?;
    let pages = |bytes: u64| to_size(bytes / info.page_size);
    // The structure has no value for an unknown figure.
    let known = |bytes: Option<u64>| pages(bytes.unwrap_or(0));
    let information = PERFORMANCE_INFORMATION {
        cb: size_of::<PERFORMANCE_INFORMATION>() as DWORD,
        #[cfg(target_pointer_width = "64")]
        Reserved: 0,
        CommitTotal: pages(info.commit_total),
        CommitLimit: pages(info.commit_limit),
        CommitPeak: pages(figures::commit_peak(&info)),
        PhysicalTotal: pages(info.physical_total),
        PhysicalAvailable: pages(info.physical_available),
        SystemCache: known(info.system_cache),
        KernelTotal: known(info.kernel_total),
        KernelPaged: known(info.kernel_paged),
        KernelNonpaged: known(info.kernel_nonpaged),
        PageSize: to_size(info.page_size),
        HandleCount: to_dword(info.handle_count.unwrap_or(0)),
        ProcessCount: to_dword(info.process_count),
        ThreadCount: to_dword(info.thread_count),
        #[cfg(target_pointer_width = "64")]
        Reserved2: 0,
    };
    user_memory::write(to, &information)?;
    Ok(TRUE)
}
