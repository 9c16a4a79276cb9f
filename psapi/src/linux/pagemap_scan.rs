//! `PAGEMAP_SCAN` (Linux 6.7): runs of pages of one kind, without a word for each page.

use std::ffi::c_void;
use std::ops::Range;
use std::os::fd::{AsFd as _, BorrowedFd};

use linux_raw_sys::general::{
    PAGE_IS_FILE, PAGE_IS_GUARD, PAGE_IS_HUGE, PAGE_IS_PFNZERO, PAGE_IS_PRESENT,
    PAGE_IS_SOFT_DIRTY, PAGE_IS_SWAPPED, PAGE_IS_WRITTEN, page_region, pm_scan_arg,
};
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, opcode};

use super::pagemap::Pagemap;
use crate::error::Refusal;
use crate::working_set::PageAttributes;

/// `PROCFS_IOCTL_MAGIC` and the number of the request, from the kernel's `linux/fs.h`.
const PAGEMAP_SCAN: Opcode = opcode::read_write::<pm_scan_arg>(b'f', 16);

/// How many runs one call delivers at the most.
const RUNS: usize = 1024;

bitflags::bitflags! {
    /// What the kernel tells of the pages of a run.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Categories: u64 {
        /// Not write-protected by userfaultfd, so nearly all.
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
    /// The pages that are asked for.
    const WORTH_A_RUN: Self = Self::PRESENT.union(Self::SWAPPED).union(Self::GUARD);
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

/// The request, as far as this kernel knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner {
    wanted: Categories,
}

impl Scanner {
    /// `None`: the kernel does not know the request, or something between us and it refuses it.
    pub(crate) fn new(pagemap: &Pagemap<'_>) -> Option<Self> {
        // Categories that came later than the request.
        let later = [Categories::GUARD, Categories::SOFT_DIRTY];
        let mut wanted = Categories::all();
        for category in later.into_iter().map(Some).chain([None]) {
            match ask(pagemap.file().as_fd(), 0..0, wanted, 0, &mut [NO_RUN]) {
                Ok(_) => return Some(Scanner { wanted }),
                Err(Errno::INVAL) => wanted.remove(category?),
                Err(_) => return None,
            }
        }
        None
    }

    /// What it tells of pages.
    pub(crate) fn known(&self) -> PageAttributes {
        let mut known = PageAttributes::from(self.wanted);
        known.insert(PageAttributes::WRITE_PROTECTED);
        known
    }

    /// Hands over each run of pages of a range that are in memory or in a page file, or guards, in
    /// steps of so many pages at the most. Without `files` it does not tell pages of files from
    /// others, and takes a fraction of the time: the kernel need not look at each page's frame.
    pub(crate) fn scan(
        &self,
        pagemap: &Pagemap<'_>,
        range: Range<u64>,
        step: u64,
        files: bool,
        room: &mut Room,
        mut found: impl FnMut(Found) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let runs = &mut room.0;
        runs.resize(RUNS, NO_RUN);
        let mut wanted = self.wanted;
        wanted.set(Categories::FILE, files);
        let mut start = range.start;
        while start < range.end {
            match ask(pagemap.file().as_fd(), start..range.end, wanted, step, runs) {
                Ok((count, end)) => {
                    for run in &runs[..count] {
                        let categories = Categories::from_bits_truncate(run.categories);
                        found(Found::Run(run.start..run.end, categories.into()))?;
                    }
                    // The kernel walks on with every call; if one did not, it would go on for ever.
                    if end <= start {
                        return Err(pagemap.refusal(Errno::IO));
                    }
                    start = end;
                    found(Found::StepDone)?;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(pagemap.refusal(errno)),
            }
        }
        Ok(())
    }
}

/// Where a scan keeps the runs of one call; to have it from one scan to the next spares who scans
/// many small ranges most of the cost.
#[derive(Default)]
pub(crate) struct Room(Vec<page_region>);

/// What a scan comes upon.
pub(crate) enum Found {
    Run(Range<u64>, PageAttributes),
    /// The kernel returned: the caller may tell how far it is, or stop.
    StepDone,
}

const NO_RUN: page_region = page_region {
    start: 0,
    end: 0,
    categories: 0,
};

/// One call: how many runs it found, and where the next one has to go on.
fn ask(
    pagemap: BorrowedFd<'_>,
    range: Range<u64>,
    wanted: Categories,
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
        category_anyof_mask: (wanted & Categories::WORTH_A_RUN).bits(),
        return_mask: wanted.bits(),
    };
    // SAFETY: beyond its own structure the kernel writes at most vec_len runs at vec: the length
    // and place of a slice that is borrowed for longer than the call. A file that is not of /proc
    // answers ENOTTY.
    let count = unsafe { rustix::ioctl::ioctl(pagemap, Scan(&mut scan)) }?;
    Ok((count.min(runs.len()), scan.walk_end))
}

/// The request. It answers with a count, beside what the kernel writes to the structure.
struct Scan<'a>(&'a mut pm_scan_arg);

// SAFETY: the request's number holds its direction and the size of pm_scan_arg, and the kernel
// reads and writes one of those at the pointer.
unsafe impl Ioctl for Scan<'_> {
    type Output = usize;

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        PAGEMAP_SCAN
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::from_mut(self.0).cast()
    }

    // SAFETY: the pointer is not used.
    unsafe fn output_from_ptr(count: IoctlOutput, _: *mut c_void) -> Result<usize, Errno> {
        usize::try_from(count).map_err(|_| Errno::OVERFLOW)
    }
}
