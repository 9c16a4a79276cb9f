//! Facts about the machine.

use crate::system::system;

/// Returns the size of a page in bytes.
pub fn page_size() -> u64 {
    // SAFETY: `sysconf` takes no pointers and has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    size.try_into().unwrap_or(4096)
}

/// Returns the size of physical memory in bytes.
pub fn physical_memory() -> u64 {
    // SAFETY: `sysconf` takes no pointers and has no preconditions.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    pages
        .try_into()
        .map_or(u64::MAX, |pages: u64| pages * page_size())
}

/// Returns the lowest address that the kernel lets a program map, in bytes. Returns `None` if it
/// cannot be read.
pub fn lowest_mappable_address() -> Option<usize> {
    system().minimum_address().ok()?.try_into().ok()
}

/// Returns the ids of the CPUs that are online, including CPUs that the caller cannot run on.
pub fn online_cpus() -> Vec<u32> {
    system().online_processors().unwrap_or_else(|_| {
        // SAFETY: `sysconf` takes no pointers and has no preconditions.
        let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
        (0..count.try_into().unwrap_or(1)).collect()
    })
}
