//! The caller's process id without a system call. Every copy to or from the caller's memory needs
//! the id, and most copies are small.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// A page that starts with the process id.
///
/// The page has `MADV_WIPEONFORK`: a child gets it zeroed, even if the child was created without
/// the C library, and calls `getpid` instead. A child that shares its parent's memory (`CLONE_VM`)
/// finds the parent's id, which names the same memory.
static PAGE: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());

/// Returns a process id by which the kernel finds the memory of the calling process.
pub fn get() -> u32 {
    match cell().map(|cell| cell.load(Ordering::Relaxed)) {
        None | Some(0) => std::process::id(),
        Some(id) => id,
    }
}

/// Stores the id of the calling process. The process must not share its memory with its parent.
pub fn refresh() {
    if let Some(cell) = cell() {
        cell.store(std::process::id(), Ordering::Relaxed);
    }
}

fn cell() -> Option<&'static AtomicU32> {
    // SAFETY: the pointer is null or points to a page that is never unmapped. The page is aligned
    // for an `AtomicU32`, for which every bit pattern is valid.
    unsafe { PAGE.load(Ordering::Acquire).as_ref() }
}

/// Maps the page. Kernels before Linux 4.14 lack `MADV_WIPEONFORK`: there every [`get`] makes a
/// system call.
pub fn init() {
    let size = crate::linux::machine::page_size() as usize;
    let (protection, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: without `MAP_FIXED`, `mmap` replaces no mapping. Only the new one is advised or
    // unmapped, and nothing else has its address yet.
    unsafe {
        let page = libc::mmap(null_mut(), size, protection, flags, -1, 0);
        if page == libc::MAP_FAILED {
            return;
        }
        if libc::madvise(page, size, libc::MADV_WIPEONFORK) == 0 {
            PAGE.store(page.cast(), Ordering::Release);
            refresh();
        } else {
            libc::munmap(page, size);
        }
    }
}
