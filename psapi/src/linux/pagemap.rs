//! `PROC/PID/pagemap`: a word for each page.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::file::Directory;
use crate::error::{Cause, Refusal};

/// The file that is read.
pub(crate) const FILE: &[u8] = b"pagemap";

bitflags::bitflags! {
    /// What a word tells of its page beside the number of its frame.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Word: u64 {
        const SOFT_DIRTY = 1 << 55;
        /// Mapped once; since Linux 4.2.
        const EXCLUSIVE = 1 << 56;
        /// Write-protected by userfaultfd; since 5.14.
        const WRITE_PROTECTED = 1 << 57;
        /// Part of a guard region; since 6.15.
        const GUARD = 1 << 58;
        /// Of a file or of shared memory.
        const FILE = 1 << 61;
        const SWAPPED = 1 << 62;
        const PRESENT = 1 << 63;
    }
}

/// The bits of the frame's number.
const FRAME: u64 = (1 << 55) - 1;

/// The bits that tell, of a page that is not present, which page file it is in.
const SWAP_TYPE: u64 = (1 << 5) - 1;

/// From here on, they tell that it is in none: the entry marks an empty place, or the page is being
/// moved in memory. How many such types a kernel has depends on its configuration; a page file with
/// a number as high would be the 24th of the machine.
const NO_PAGE_FILE: u64 = 23;

impl Word {
    /// `None` of a page that is not present, and where the number is kept from who lacks
    /// `CAP_SYS_ADMIN`.
    pub(crate) fn frame(word: u64) -> Option<u64> {
        let is_present = word & Word::PRESENT.bits() != 0;
        Some(word & FRAME).filter(|&frame| is_present && frame != 0)
    }

    /// What is called swapped, but is in no page file; false where that is kept from who lacks
    /// `CAP_SYS_ADMIN`.
    pub(crate) fn is_in_no_page_file(word: u64) -> bool {
        word & Word::SWAPPED.bits() != 0 && word & SWAP_TYPE >= NO_PAGE_FILE
    }
}

/// The file of a process, held open: it answers for the address space that the process had when
/// it was opened.
#[derive(Debug)]
pub(crate) struct Pagemap<'p> {
    process: &'p Directory,
    file: OwnedFd,
    page_size: u64,
}

impl<'p> Pagemap<'p> {
    pub(crate) fn open(process: &'p Directory, page_size: u64) -> Result<Self, Refusal> {
        Ok(Pagemap {
            process,
            file: process.file(FILE)?,
            page_size,
        })
    }

    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }

    pub(crate) fn refusal(&self, errno: Errno) -> Refusal {
        self.process.refusal(FILE, errno)
    }

    pub(crate) fn cancelled(&self) -> Refusal {
        Refusal::new(self.process.path_of(FILE), Cause::Cancelled)
    }

    /// The words of neighbouring pages from an address on. "No such process" once the address
    /// space is gone.
    pub(crate) fn read(&self, start: u64, words: &mut [u64]) -> Result<(), Refusal> {
        let mut place = start / self.page_size * size_of::<u64>() as u64;
        let mut room = bytes_of(words);
        while !room.is_empty() {
            match rustix::io::pread(&self.file, &mut *room, place) {
                Ok(0) => return Err(self.refusal(Errno::SRCH)),
                Ok(length) => {
                    place += length as u64;
                    room = &mut room[length..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.refusal(errno)),
            }
        }
        Ok(())
    }
}

/// Words as the kernel fills them.
pub(crate) fn bytes_of(words: &mut [u64]) -> &mut [u8] {
    // SAFETY: the bytes of the words are initialized, any bytes are words, and bytes need no
    // alignment.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_kept_back_is_none() {
        assert_eq!(Word::frame(1 << 63 | 1 << 56 | 0x1234), Some(0x1234));
        assert_eq!(Word::frame(1 << 63 | 1 << 61), None);
        assert_eq!(Word::frame(1 << 62 | 0x1234), None);
    }

    #[test]
    fn marks_are_in_no_page_file() {
        let swapped = 1 << 62;
        // The first place of the second page file, a mark of userfaultfd's, and a page by who may
        // not know.
        assert!(!Word::is_in_no_page_file(swapped | 1));
        assert!(Word::is_in_no_page_file(swapped | 1 << 57 | 1 << 5 | 31));
        assert!(!Word::is_in_no_page_file(swapped));
        assert!(!Word::is_in_no_page_file(1 << 63 | 31));
    }
}
