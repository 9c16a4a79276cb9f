//! The system that the caller runs on.

use once_cell::race::OnceBox;
use psapi::System;

/// Never waits for another thread, which a fork may have left behind.
static SYSTEM: OnceBox<System> = OnceBox::new();

/// This machine.
pub fn system() -> &'static System {
    SYSTEM.get_or_init(Box::default)
}

/// The size of a page, in bytes.
pub fn page_size() -> u64 {
    // SAFETY: it only tells.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    size.try_into().unwrap_or(4096)
}

/// The size of the machine's memory, in bytes.
pub fn physical_memory() -> u64 {
    // SAFETY: it only tells.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    pages
        .try_into()
        .map_or(u64::MAX, |pages: u64| pages * page_size())
}
