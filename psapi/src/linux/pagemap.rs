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

impl Word {
    /// Of a page that is present; `None` where the number is kept from who lacks `CAP_SYS_ADMIN`.
    pub(crate) fn frame(word: u64) -> Option<u64> {
        Some(word & FRAME).filter(|&frame| frame != 0)
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
    }
}
