//! Finds out which page attributes the running kernel reports, by testing pages of the caller.
//!
//! A clear bit in `pagemap` is ambiguous: either the kernel lacks the feature, or the page lacks
//! the attribute. The test therefore creates a page that must have the attribute.

use std::ffi::c_void;
use std::io::Error;
use std::ptr;

use linux_raw_sys::general::MADV_GUARD_INSTALL;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::error::SourceError;
use crate::page::PageAttributes;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::pagemap::{Pagemap, PagemapEntry};

/// The results of the test.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageFeatures {
    /// `SOFT_DIRTY` and `GUARD`, each set if `pagemap` entries report it.
    pub(crate) reported: PageAttributes,
    /// Whether the kernel supports guard regions. Without them, no page can be in one, so `GUARD`
    /// is known to be absent.
    pub(crate) supports_guards: bool,
}

/// Runs the test, which reads `PROC/self/pagemap`. If a part of the test fails, the error contains
/// the features that are certain. The cause can be transient, or depend on the caller's current
/// user.
pub(crate) fn detect(proc: Option<&Dir>, page_size: u64) -> Result<PageFeatures, PageFeatures> {
    let mut features = PageFeatures {
        reported: PageAttributes::empty(),
        supports_guards: true,
    };
    let Some(pages) = TestPages::new(page_size as usize) else {
        return Err(features);
    };
    let supports_guards = pages.install_guard();
    features.supports_guards = supports_guards.unwrap_or(true);
    let entries = proc.map(|proc| {
        let directory = proc.directory(b"self")?;
        let pagemap = Pagemap::open(&directory, page_size)?;
        let mut entries = [0; 2];
        pagemap.read(pages.start as u64, &mut entries)?;
        Ok::<_, SourceError>(entries.map(PagemapEntry::from_bits_truncate))
    });
    let Some(Ok([written, guard])) = entries else {
        return Err(features);
    };
    let reported = &mut features.reported;
    reported.set(
        PageAttributes::SOFT_DIRTY,
        written.contains(PagemapEntry::SOFT_DIRTY),
    );
    reported.set(PageAttributes::GUARD, guard.contains(PagemapEntry::GUARD));
    match supports_guards {
        Some(_) => Ok(features),
        None => Err(features),
    }
}

/// Two pages of the caller. The first was just written to.
struct TestPages {
    start: *mut c_void,
    page_size: usize,
}

impl TestPages {
    /// Maps the pages. `None` if memory is exhausted.
    fn new(page_size: usize) -> Option<Self> {
        let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: the address is null, so the kernel picks an unused range and no existing mapping
        // changes.
        let start =
            unsafe { mmap_anonymous(ptr::null_mut(), 2 * page_size, access, flags) }.ok()?;
        // SAFETY: `start` is the first byte of a writable mapping that nothing else refers to.
        unsafe { start.cast::<u8>().write_volatile(1) };
        Some(TestPages { start, page_size })
    }

    /// Turns the second page into a guard page. Returns false if the kernel does not support that,
    /// and `None` if it failed for another reason.
    fn install_guard(&self) -> Option<bool> {
        let advice = MADV_GUARD_INSTALL as libc::c_int;
        // SAFETY: the range is the second page of this mapping, which nothing refers to.
        let result =
            unsafe { libc::madvise(self.start.byte_add(self.page_size), self.page_size, advice) };
        match result {
            0 => Some(true),
            _ if Errno::from_io_error(&Error::last_os_error()) == Some(Errno::INVAL) => Some(false),
            _ => None,
        }
    }
}

impl Drop for TestPages {
    fn drop(&mut self) {
        // SAFETY: the range is exactly the mapping made in `new`, and nothing refers to it.
        let _ = unsafe { munmap(self.start, 2 * self.page_size) };
    }
}
