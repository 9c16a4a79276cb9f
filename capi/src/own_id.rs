//! The id of the caller's process without a system call: every copy to or from the caller's memory
//! needs it, and most copies are small.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// A page that the kernel empties in a child, however that was made: what a child does not know it
/// asks for. One that shares its parent's memory finds the parent's id, which leads to the same memory.
static KEPT: AtomicPtr<AtomicU32> = AtomicPtr::new(null_mut());

/// An id by which the kernel finds the memory of the calling process.
pub fn of_own_memory() -> u32 {
    match kept().map(|kept| kept.load(Ordering::Relaxed)) {
        None | Some(0) => std::process::id(),
        Some(own) => own,
    }
}

/// To be called by a process that has its memory for itself: it has just begun.
pub fn remember() {
    if let Some(kept) = kept() {
        kept.store(std::process::id(), Ordering::Relaxed);
    }
}

fn kept() -> Option<&'static AtomicU32> {
    // SAFETY: there is nothing, or a page that is never unmapped and begins with such a number.
    unsafe { KEPT.load(Ordering::Acquire).as_ref() }
}

/// Makes room for it. On a kernel before Linux 4.14 there is none: it is asked each time.
pub fn prepare() {
    let size = crate::system::page_size() as usize;
    let (protection, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: it is new memory, which nobody else knows.
    unsafe {
        let page = libc::mmap(null_mut(), size, protection, flags, -1, 0);
        if page == libc::MAP_FAILED {
            return;
        }
        if libc::madvise(page, size, libc::MADV_WIPEONFORK) == 0 {
            KEPT.store(page.cast(), Ordering::Release);
            remember();
        } else {
            libc::munmap(page, size);
        }
    }
}
