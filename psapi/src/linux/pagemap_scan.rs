//! `PAGEMAP_SCAN` (Linux 6.7): runs of pages of one kind, without a word for each page.

use std::ffi::c_void;
use std::os::fd::{AsFd as _, BorrowedFd};

use linux_raw_sys::general::{
    PAGE_IS_FILE, PAGE_IS_HUGE, PAGE_IS_PFNZERO, PAGE_IS_PRESENT, PAGE_IS_SOFT_DIRTY,
    PAGE_IS_SWAPPED, page_region, pm_scan_arg,
};
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, opcode};

use super::file::Directory;
use crate::error::{Cause, Refusal};

/// `PROCFS_IOCTL_MAGIC` and the number of the request, from the kernel's `linux/fs.h`.
const PAGEMAP_SCAN: Opcode = opcode::read_write::<pm_scan_arg>(b'f', 16);

/// The file that is asked.
const FILE: &[u8] = b"pagemap";

/// How many runs one call delivers at the most.
const RUNS: usize = 1024;

bitflags::bitflags! {
    /// What the kernel tells of the pages of a run.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Categories: u64 {
        const FILE = PAGE_IS_FILE as u64;
        const PRESENT = PAGE_IS_PRESENT as u64;
        const SWAPPED = PAGE_IS_SWAPPED as u64;
        const PFNZERO = PAGE_IS_PFNZERO as u64;
        const HUGE = PAGE_IS_HUGE as u64;
        const SOFT_DIRTY = PAGE_IS_SOFT_DIRTY as u64;
    }
}

/// Scans a range of a pinned process's addresses and hands over each run of pages that are in
/// memory or in a page file: its first address, the one after its last, and what they are.
pub(crate) fn scan(
    process: &Directory,
    range: std::ops::Range<u64>,
    mut found: impl FnMut(u64, u64, Categories),
) -> Result<(), Refusal> {
    let pagemap = process.file(FILE)?;
    let refused = |errno| process.refusal(FILE, errno);
    let mut runs = [NO_RUN; RUNS];
    let mut wanted = Categories::all();
    let mut start = range.start;
    while start < range.end {
        match ask(pagemap.as_fd(), start..range.end, wanted, &mut runs) {
            Ok((count, end)) => {
                for run in &runs[..count] {
                    found(
                        run.start,
                        run.end,
                        Categories::from_bits_truncate(run.categories),
                    );
                }
                // The kernel walks on with every call; if one did not, it would go on for ever.
                if end <= start {
                    return Err(refused(Errno::IO));
                }
                start = end;
            }
            // The category came later than the request.
            Err(Errno::INVAL) if wanted.contains(Categories::SOFT_DIRTY) => {
                wanted.remove(Categories::SOFT_DIRTY);
            }
            Err(Errno::INTR) => {}
            // An older kernel knows no ioctl of this file.
            Err(Errno::NOTTY) => {
                let cause = Cause::Unsupported("PAGEMAP_SCAN is not there before Linux 6.7");
                return Err(Refusal::new(process.path_of(FILE), cause));
            }
            Err(errno) => return Err(refused(errno)),
        }
    }
    Ok(())
}

const NO_RUN: page_region = page_region {
    start: 0,
    end: 0,
    categories: 0,
};

/// One call: how many runs it found, and where the next one has to go on.
fn ask(
    pagemap: BorrowedFd<'_>,
    range: std::ops::Range<u64>,
    wanted: Categories,
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
        max_pages: 0,
        category_inverted: 0,
        category_mask: 0,
        category_anyof_mask: (Categories::PRESENT | Categories::SWAPPED).bits(),
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
