//! `PROC/PID/pagemap`: one 64-bit entry for each page of the address space.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;

/// The name of the file.
pub(crate) const FILE: &[u8] = b"pagemap";

bitflags::bitflags! {
    /// The flags of a pagemap entry. The other bits hold a frame number or a swap entry.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct PagemapEntry: u64 {
        const SOFT_DIRTY = 1 << 55;
        /// Mapped exactly once; since Linux 4.2.
        const EXCLUSIVE = 1 << 56;
        /// Write-protected by userfaultfd; since Linux 5.14.
        const WRITE_PROTECTED = 1 << 57;
        /// Part of a guard region; since Linux 6.15.
        const GUARD = 1 << 58;
        /// Backed by a file or by shared memory.
        const FILE = 1 << 61;
        const SWAPPED = 1 << 62;
        const PRESENT = 1 << 63;
    }
}

/// The bits that hold the frame number.
const FRAME: u64 = (1 << 55) - 1;

/// The bits that hold the swap type of a swapped page, which is the index of the page file.
const SWAP_TYPE: u64 = (1 << 5) - 1;

/// The lowest swap type that can stand for no page file.
///
/// The kernel uses the highest types for markers in empty entries and for pages under migration.
/// Their number depends on the kernel's configuration. A page file would reach this type only as
/// the machine's 24th.
const NO_PAGE_FILE: u64 = 23;

/// The lowest frame number of an entry with a swap type that stands for no page file. Lower numbers
/// are the flags of a marker. No page is in the first frames of the machine's memory.
const FIRST_FRAME: u64 = 16;

impl PagemapEntry {
    /// Returns the frame number of an entry.
    ///
    /// `None` if the page is not present, or if the kernel hides the number because the caller
    /// lacks `CAP_SYS_ADMIN`.
    pub(crate) fn frame(entry: u64) -> Option<u64> {
        let is_present = entry & PagemapEntry::PRESENT.bits() != 0;
        Some(entry & FRAME).filter(|&frame| is_present && frame != 0)
    }

    /// Returns true if an entry is flagged as swapped, but refers to no page file.
    ///
    /// Without `CAP_SYS_ADMIN`, the kernel hides the swap type, and the result is false unless the
    /// page is a file page.
    pub(crate) fn is_in_no_page_file(entry: u64) -> bool {
        let is_swapped = entry & PagemapEntry::SWAPPED.bits() != 0;
        is_swapped && entry & SWAP_TYPE >= NO_PAGE_FILE || PagemapEntry::is_moving(entry)
    }

    /// Returns true if an entry is flagged as swapped, but refers to a frame: the kernel is moving
    /// the page to another one.
    ///
    /// Entries of broken pages and of pages in a device's memory look the same. Without
    /// `CAP_SYS_ADMIN`, the kernel hides the frame, and the result is false unless the page is a
    /// file page.
    pub(crate) fn is_moving(entry: u64) -> bool {
        if entry & PagemapEntry::SWAPPED.bits() == 0 {
            return false;
        }
        // A page in a page file does not have the file flag, and neither does a marker.
        entry & PagemapEntry::FILE.bits() != 0
            || entry & SWAP_TYPE >= NO_PAGE_FILE
                && (entry & FRAME) >> SWAP_TYPE.count_ones() >= FIRST_FRAME
    }

    /// Returns true if an entry, which is flagged as swapped, shows its swap type.
    pub(crate) fn has_swap_type(entry: u64) -> bool {
        // The first slot of the first page file holds no page, but the file's header.
        entry & FRAME != 0
    }
}

/// The open `pagemap` file of a process.
///
/// The file stays bound to the address space that the process had when it was opened.
#[derive(Debug)]
pub(crate) struct Pagemap<'p> {
    process: &'p Dir,
    file: OwnedFd,
    page_size: u64,
}

impl<'p> Pagemap<'p> {
    /// Opens the file.
    pub(crate) fn open(process: &'p Dir, page_size: u64) -> Result<Self, SourceError> {
        Ok(Pagemap {
            process,
            file: process.file(FILE)?,
            page_size,
        })
    }

    /// Returns the descriptor.
    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Creates an error that names this file.
    pub(crate) fn error(&self, errno: Errno) -> SourceError {
        self.process.error_at(FILE, errno)
    }

    /// Creates the error for a read that the caller cancelled.
    pub(crate) fn cancelled(&self) -> SourceError {
        SourceError::new(self.process.path_of(FILE), ErrorCause::Cancelled)
    }

    /// Reads the entries of consecutive pages, starting with the page at an address.
    ///
    /// Fails with `ESRCH` once the address space is gone.
    pub(crate) fn read(&self, start: u64, entries: &mut [u64]) -> Result<(), SourceError> {
        let mut offset = start / self.page_size * size_of::<u64>() as u64;
        let mut unread = bytes_of(entries);
        while !unread.is_empty() {
            match rustix::io::pread(&self.file, &mut *unread, offset) {
                Ok(0) => return Err(self.error(Errno::SRCH)),
                Ok(length) => {
                    offset += length as u64;
                    unread = &mut unread[length..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.error(errno)),
            }
        }
        Ok(())
    }
}

/// Returns the bytes of 64-bit entries, for the kernel to fill.
pub(crate) fn bytes_of(entries: &mut [u64]) -> &mut [u8] {
    // SAFETY: the slice covers exactly the initialized bytes of `entries`, which stay borrowed.
    // Every bit pattern is a valid `u64`, and `u8` has no alignment.
    unsafe { std::slice::from_raw_parts_mut(entries.as_mut_ptr().cast(), size_of_val(entries)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_frame_number_is_none() {
        assert_eq!(
            PagemapEntry::frame(1 << 63 | 1 << 56 | 0x1234),
            Some(0x1234)
        );
        assert_eq!(PagemapEntry::frame(1 << 63 | 1 << 61), None);
        assert_eq!(PagemapEntry::frame(1 << 62 | 0x1234), None);
    }

    #[test]
    fn markers_are_in_no_page_file() {
        let swapped = 1 << 62;
        // The first slot of the second page file, a userfaultfd marker, and a swapped page whose
        // swap type is hidden.
        assert!(!PagemapEntry::is_in_no_page_file(swapped | 1));
        assert!(PagemapEntry::is_in_no_page_file(
            swapped | 1 << 57 | 1 << 5 | 31
        ));
        assert!(!PagemapEntry::is_in_no_page_file(swapped));
        assert!(!PagemapEntry::is_in_no_page_file(1 << 63 | 31));
    }

    #[test]
    fn moving_pages_have_frames() {
        let swapped = 1 << 62;
        // The lowest and the highest types that the kernel uses for pages that it moves.
        for swap_type in [24, 30] {
            let moving = swapped | 0x1234 << 5 | swap_type;
            assert!(PagemapEntry::is_moving(moving));
            assert!(PagemapEntry::is_in_no_page_file(moving));
            assert!(!PagemapEntry::is_moving(1 << 63 | 0x1234 << 5 | swap_type));
        }
        // A file page whose frame is hidden.
        assert!(PagemapEntry::is_moving(swapped | 1 << 61));
        assert!(PagemapEntry::is_in_no_page_file(swapped | 1 << 61));
        // A page in the second page file, a guard marker, and a page whose swap type is hidden.
        assert!(!PagemapEntry::is_moving(swapped | 0x1234 << 5 | 1));
        assert!(!PagemapEntry::is_moving(swapped | 4 << 5 | 31));
        assert!(!PagemapEntry::is_moving(swapped));
    }
}
