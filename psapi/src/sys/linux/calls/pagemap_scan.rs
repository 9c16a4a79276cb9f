//! `PAGEMAP_SCAN` (Linux 6.7): reports runs of equal pages, instead of one entry for each page.

use std::ffi::c_void;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd};

use linux_raw_sys::general::{
    PAGE_IS_FILE, PAGE_IS_GUARD, PAGE_IS_HUGE, PAGE_IS_PFNZERO, PAGE_IS_PRESENT,
    PAGE_IS_SOFT_DIRTY, PAGE_IS_SWAPPED, PAGE_IS_WRITTEN, page_region, pm_scan_arg,
};
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, opcode};

use crate::error::SourceError;
use crate::page::PageAttributes;
use crate::sys::linux::proc::pagemap::Pagemap;

/// `PROCFS_IOCTL_MAGIC` and the request number, from the kernel's `linux/fs.h`.
const PAGEMAP_SCAN: Opcode = opcode::read_write::<pm_scan_arg>(b'f', 16);

/// The maximum number of runs per call.
const MAX_RUNS: usize = 1024;

bitflags::bitflags! {
    /// The categories that the kernel assigns to the pages of a run.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Categories: u64 {
        /// Not write-protected by userfaultfd. Set for nearly all pages.
        const WRITTEN = PAGE_IS_WRITTEN as u64;
        const FILE = PAGE_IS_FILE as u64;
        const PRESENT = PAGE_IS_PRESENT as u64;
        const SWAPPED = PAGE_IS_SWAPPED as u64;
        const PFNZERO = PAGE_IS_PFNZERO as u64;
        const HUGE = PAGE_IS_HUGE as u64;
        const SOFT_DIRTY = PAGE_IS_SOFT_DIRTY as u64;
        const GUARD = PAGE_IS_GUARD as u64;
    }
}

impl Categories {
    /// A page is reported if it has at least one of these.
    const REPORTED: Self = Self::PRESENT.union(Self::SWAPPED).union(Self::GUARD);
}

impl From<Categories> for PageAttributes {
    fn from(categories: Categories) -> Self {
        let mut attributes = PageAttributes::empty();
        for (category, attribute) in [
            (Categories::PRESENT, PageAttributes::RESIDENT),
            (Categories::SWAPPED, PageAttributes::SWAPPED),
            (Categories::FILE, PageAttributes::FILE),
            (Categories::PFNZERO, PageAttributes::ZERO),
            (Categories::HUGE, PageAttributes::HUGE),
            (Categories::SOFT_DIRTY, PageAttributes::SOFT_DIRTY),
            (Categories::GUARD, PageAttributes::GUARD),
        ] {
            attributes.set(attribute, categories.contains(category));
        }
        let is_protected = !categories.contains(Categories::WRITTEN);
        attributes.set(PageAttributes::WRITE_PROTECTED, is_protected);
        attributes
    }
}

/// A scanner that requests the categories that the running kernel supports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner {
    supported: Categories,
}

impl Scanner {
    /// Probes the request. `None` if the kernel lacks it, or if a filter such as seccomp denies it.
    pub(crate) fn new(pagemap: &Pagemap<'_>) -> Option<Self> {
        // These categories are younger than the request. A kernel rejects the whole call with
        // EINVAL if it lacks one, so drop them one after the other, newest first.
        let later = [Categories::GUARD, Categories::SOFT_DIRTY];
        let mut supported = Categories::all();
        for category in later.into_iter().map(Some).chain([None]) {
            match scan_once(pagemap.file().as_fd(), 0..0, supported, 0, &mut [NO_RUN]) {
                Ok(_) => return Some(Scanner { supported }),
                Err(Errno::INVAL) => supported.remove(category?),
                Err(_) => return None,
            }
        }
        None
    }

    /// Returns the attributes that the scan reports.
    pub(crate) fn known(&self) -> PageAttributes {
        let mut known = PageAttributes::from(self.supported);
        known.insert(PageAttributes::WRITE_PROTECTED);
        known
    }

    /// Calls `on_found` with each run of pages in a range that are in memory, in a page file or in
    /// a guard region.
    ///
    /// One call to the kernel covers at most `step` found pages. Without `files`, the scan does not
    /// distinguish pages backed by a file. It then takes a fraction of the time, because the kernel
    /// need not access the `struct page` of each frame.
    pub(crate) fn scan(
        &self,
        pagemap: &Pagemap<'_>,
        range: Range<u64>,
        step: u64,
        files: bool,
        buffer: &mut ScanBuffer,
        mut on_found: impl FnMut(ScanItem) -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let runs = &mut buffer.0;
        runs.resize(MAX_RUNS, NO_RUN);
        let mut requested = self.supported;
        requested.set(Categories::FILE, files);
        let mut start = range.start;
        while start < range.end {
            match scan_once(
                pagemap.file().as_fd(),
                start..range.end,
                requested,
                step,
                runs,
            ) {
                Ok((count, end)) => {
                    for run in &runs[..count] {
                        let categories = Categories::from_bits_truncate(run.categories);
                        on_found(ScanItem::Run(run.start..run.end, categories.into()))?;
                    }
                    // If the last page of the range fills the buffer, `walk_end` is too low
                    // (measured on 6.18), and the next call would repeat runs.
                    let last = runs[..count].last();
                    let end = last.map_or(end, |run| end.max(run.end));
                    // A call that makes no progress would repeat forever.
                    if end <= start {
                        return Err(pagemap.error(Errno::IO));
                    }
                    start = end;
                    on_found(ScanItem::StepDone)?;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(pagemap.error(errno)),
            }
        }
        Ok(())
    }
}

/// The buffer for the runs of one call. Reusing it avoids most of the cost of scanning many small
/// ranges.
#[derive(Default)]
pub(crate) struct ScanBuffer(Vec<page_region>);

/// An item that a scan reports.
pub(crate) enum ScanItem {
    /// A run of equal pages.
    Run(Range<u64>, PageAttributes),
    /// The end of one call to the kernel, at which the caller can report progress or stop.
    StepDone,
}

const NO_RUN: page_region = page_region {
    start: 0,
    end: 0,
    categories: 0,
};

/// Makes one call. Returns the number of runs found and the address at which to resume.
fn scan_once(
    pagemap: BorrowedFd<'_>,
    range: Range<u64>,
    requested: Categories,
    step: u64,
    runs: &mut [page_region],
) -> Result<(usize, u64), Errno> {
    let mut scan = pm_scan_arg {
        size: size_of::<pm_scan_arg>() as u64,
        flags: 0,
        start: range.start,
        end: range.end,
        walk_end: 0,
        vec: runs.as_mut_ptr() as u64,
        vec_len: runs.len() as u64,
        max_pages: step,
        category_inverted: 0,
        category_mask: 0,
        category_anyof_mask: (requested & Categories::REPORTED).bits(),
        return_mask: requested.bits(),
    };
    // SAFETY: besides `scan` itself, the kernel writes at most `vec_len` runs at `vec`. These are
    // the length and start of a slice that stays borrowed during the call. A descriptor outside of
    // /proc yields ENOTTY.
    let count = unsafe { rustix::ioctl::ioctl(pagemap, Scan(&mut scan)) }?;
    Ok((count.min(runs.len()), scan.walk_end))
}

/// The ioctl. It returns a count, and also writes to the structure.
struct Scan<'a>(&'a mut pm_scan_arg);

// SAFETY: the request number encodes the direction and the size of `pm_scan_arg`. `as_ptr` returns
// a pointer to a `pm_scan_arg` that is valid for reads and writes.
unsafe impl Ioctl for Scan<'_> {
    type Output = usize;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        PAGEMAP_SCAN
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut(self.0).cast()
    }

    // SAFETY: the function does not dereference the pointer.
    unsafe fn output_from_ptr(count: IoctlOutput, _: *mut c_void) -> Result<usize, Errno> {
        usize::try_from(count).map_err(|_| Errno::OVERFLOW)
    }
}
