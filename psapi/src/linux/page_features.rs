//! Which attributes of pages the running kernel tells at all: pages of the caller's own show it.

use std::ffi::c_void;
use std::ptr;

use linux_raw_sys::general::MADV_GUARD_INSTALL;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use super::file::Directory;
use super::pagemap::{Pagemap, Word};
use crate::error::Refusal;
use crate::working_set::PageAttributes;

/// What the running kernel tells of pages, of what only some kernels do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageFeatures {
    /// Those of soft-dirty pages and of guard regions that the words of `pagemap` tell.
    pub(crate) told: PageAttributes,
    /// A kernel that makes no guard regions has none to tell of.
    pub(crate) makes_guards: bool,
}

/// Tries it, on `PROC/self/pagemap` as far as that may be read.
pub(crate) fn find(proc: Option<&Directory>, page_size: u64) -> PageFeatures {
    let mut features = PageFeatures {
        told: PageAttributes::empty(),
        makes_guards: true,
    };
    let Some(own) = Pages::new(page_size as usize) else {
        return features;
    };
    features.makes_guards = own.makes_guard();
    let words = proc.map(|proc| {
        let directory = proc.directory(b"self")?;
        let pagemap = Pagemap::open(&directory, page_size)?;
        let mut words = [0; 2];
        pagemap.read(own.start as u64, &mut words)?;
        Ok::<_, Refusal>(words.map(Word::from_bits_truncate))
    });
    if let Some(Ok([written, guard])) = words {
        let told = &mut features.told;
        told.set(
            PageAttributes::SOFT_DIRTY,
            written.contains(Word::SOFT_DIRTY),
        );
        told.set(PageAttributes::GUARD, guard.contains(Word::GUARD));
    }
    features
}

/// Two pages of the caller's own, the first of which has just been written to.
struct Pages {
    start: *mut c_void,
    page_size: usize,
}

impl Pages {
    /// `None`: there is no memory.
    fn new(page_size: usize) -> Option<Self> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: the kernel chooses where new memory goes.
        let start =
            unsafe { mmap_anonymous(ptr::null_mut(), 2 * page_size, access, flags) }.ok()?;
        // SAFETY: the first page is ours to write to.
        unsafe { start.cast::<u8>().write_volatile(1) };
        Some(Pages { start, page_size })
    }

    /// Makes a guard of the second, if the kernel does.
    fn makes_guard(&self) -> bool {
        let advice = MADV_GUARD_INSTALL as libc::c_int;
        // SAFETY: the page is ours, and nobody has a reference to it.
        unsafe { libc::madvise(self.start.byte_add(self.page_size), self.page_size, advice) == 0 }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: both pages are ours, and nobody has a reference to them.
        let _ = unsafe { munmap(self.start, 2 * self.page_size) };
    }
}
