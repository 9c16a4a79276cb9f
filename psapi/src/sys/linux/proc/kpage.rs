//! `PROC/kpagecount` and `PROC/kpageflags`: one 64-bit entry for each page frame of the machine.
//!
//! Both files are expensive to read entry by entry, so lookups are sorted by frame number and
//! neighboring frames are read with one `pread`.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::pagemap::bytes_of;

bitflags::bitflags! {
    /// The flags in `kpageflags` that this crate uses, from `linux/kernel-page-flags.h`. Some
    /// kernels set other flags contrary to their documented meaning.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct FrameFlags: u64 {
        const ANON = 1 << 12;
        /// The hardware reported the frame's memory as broken.
        const HWPOISON = 1 << 19;
        const ZERO_PAGE = 1 << 24;
    }
}

/// The maximum number of entries per read.
const MAX_ENTRIES: u64 = 4096;

/// The largest gap, in frames, that one read spans. A few extra entries cost less than a second
/// call.
const MAX_GAP: u64 = 3;

/// The number of low bits that hold a frame's index in the request while frames are sorted.
///
/// The frame number takes the other 47 bits. This is enough: physical addresses have at most 59
/// bits, and at least 12 of these are the offset in the page.
const INDEX_BITS: u32 = 17;

/// One of the two files, held open, with buffers that are kept between lookups.
#[derive(Debug)]
pub(crate) struct Kpage {
    file: OwnedFd,
    entries: Vec<u64>,
    /// Sort keys: `frame << INDEX_BITS | index`.
    sorted: Vec<u64>,
}

impl Kpage {
    /// Opens `kpagecount`: how often each frame is mapped.
    pub(crate) fn counts(proc: &Dir) -> Result<Self, Errno> {
        Self::open(proc, b"kpagecount")
    }

    /// Opens `kpageflags`: the [`FrameFlags`] of each frame.
    pub(crate) fn flags(proc: &Dir) -> Result<Self, Errno> {
        Self::open(proc, b"kpageflags")
    }

    fn open(proc: &Dir, name: &[u8]) -> Result<Self, Errno> {
        Ok(Kpage {
            file: proc.try_file(name)?,
            entries: Vec::new(),
            sorted: Vec::new(),
        })
    }

    /// Replaces each frame number with the frame's entry. A frame that does not exist yields 0.
    pub(crate) fn look_up(&mut self, frames: &mut [u64]) -> Result<(), Errno> {
        for frames in frames.chunks_mut(1 << INDEX_BITS) {
            self.look_up_chunk(frames)?;
        }
        Ok(())
    }

    fn look_up_chunk(&mut self, frames: &mut [u64]) -> Result<(), Errno> {
        // Sorting keys that contain the index is faster than sorting indices by their frames.
        self.sorted.clear();
        let key = |(&frame, index): (&u64, u64)| frame << INDEX_BITS | index;
        self.sorted.extend(frames.iter().zip(0..).map(key));
        self.sorted.sort_unstable();
        let mut rest = &self.sorted[..];
        while let [first, ..] = rest {
            // Take the longest prefix whose frames one read can cover.
            let first = first >> INDEX_BITS;
            let mut last = first;
            let count = rest.iter().take_while(|&&key| {
                let frame = key >> INDEX_BITS;
                let is_near = frame <= last + MAX_GAP && frame - first < MAX_ENTRIES;
                last = if is_near { frame } else { last };
                is_near
            });
            let (batch, remaining) = rest.split_at(count.count());
            self.entries.clear();
            self.entries.resize((last - first) as usize + 1, 0);
            read(&self.file, first, &mut self.entries)?;
            // Store each entry at the index that its key carries.
            for key in batch {
                let index = key & ((1 << INDEX_BITS) - 1);
                frames[index as usize] = self.entries[((key >> INDEX_BITS) - first) as usize];
            }
            rest = remaining;
        }
        Ok(())
    }
}

/// Reads entries, starting with the entry of frame `first`. Entries beyond the last frame keep
/// their value.
fn read(file: &OwnedFd, first: u64, entries: &mut [u64]) -> Result<(), Errno> {
    let mut offset = first * size_of::<u64>() as u64;
    let mut unread = bytes_of(entries);
    while !unread.is_empty() {
        match rustix::io::pread(file, &mut *unread, offset) {
            Ok(0) => break,
            Ok(length) => {
                offset += length as u64;
                unread = &mut unread[length..];
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn unsorted_frames_get_their_entries() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = std::fs::File::create(directory.path().join("kpagecount")).unwrap();
        for frame in 0..20_000u64 {
            file.write_all(&(7 * frame).to_ne_bytes()).unwrap();
        }
        let proc = Dir::open(directory.path()).unwrap();
        let mut counts = Kpage::counts(&proc).unwrap();
        for frames in [
            vec![],
            vec![3],
            vec![3, 4, 5, 9, 15, 16],
            vec![19_999, 5, 5, 12_000, 0, 11_999],
            (0..20_000).rev().collect(),
        ] {
            let mut entries = frames.clone();
            counts.look_up(&mut entries).unwrap();
            let expected: Vec<u64> = frames.iter().map(|frame| 7 * frame).collect();
            assert_eq!(entries, expected);
        }
        let mut beyond = [19_999, 20_001, 1 << 46];
        counts.look_up(&mut beyond).unwrap();
        assert_eq!(beyond, [7 * 19_999, 0, 0]);
    }
}
