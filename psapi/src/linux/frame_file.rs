//! `PROC/kpagecount` and `PROC/kpageflags`: a word for each frame of the machine's memory.

use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::file::Directory;
use super::pagemap::bytes_of;

bitflags::bitflags! {
    /// What `kpageflags` tells and this project uses, by the numbers of the kernel's
    /// `linux/kernel-page-flags.h`. Some kernels set others at odds with their meaning.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct FrameFlags: u64 {
        /// The hardware says that it is broken.
        const HWPOISON = 1 << 19;
        const ZERO_PAGE = 1 << 24;
    }
}

/// How many words are read at once at the most.
const AT_ONCE: usize = 4096;

/// A call costs as much as a few words more: a gap of so many frames is read through.
const GAP: u64 = 4;

/// One of the files, held open.
#[derive(Debug)]
pub(crate) struct FrameFile {
    file: OwnedFd,
    words: Vec<u64>,
    order: Vec<u32>,
}

impl FrameFile {
    /// How often each frame is mapped.
    pub(crate) fn counts(proc: &Directory) -> Result<Self, Errno> {
        Self::open(proc, b"kpagecount")
    }

    /// The [`FrameFlags`] of each frame.
    pub(crate) fn flags(proc: &Directory) -> Result<Self, Errno> {
        Self::open(proc, b"kpageflags")
    }

    fn open(proc: &Directory, name: &[u8]) -> Result<Self, Errno> {
        Ok(FrameFile {
            file: proc.try_file(name)?,
            words: Vec::new(),
            order: Vec::new(),
        })
    }

    /// Replaces numbers of frames by their words: those of neighbours by one call. A number that no
    /// frame has becomes 0.
    pub(crate) fn look_up(&mut self, frames: &mut [u64]) -> Result<(), Errno> {
        self.order.clear();
        self.order.extend(0..frames.len() as u32);
        if !frames.is_sorted() {
            self.order.sort_unstable_by_key(|&at| frames[at as usize]);
        }
        let mut rest = &self.order[..];
        while let [first, ..] = rest {
            let first = frames[*first as usize];
            let mut last = first;
            let mut count = 0;
            for &at in rest {
                let frame = frames[at as usize];
                if frame > last + GAP || frame - first >= AT_ONCE as u64 {
                    break;
                }
                last = frame;
                count += 1;
            }
            let (run, behind) = rest.split_at(count);
            self.words.clear();
            self.words.resize((last - first) as usize + 1, 0);
            read(&self.file, first, &mut self.words)?;
            for &at in run {
                let frame = &mut frames[at as usize];
                *frame = self.words[(*frame - first) as usize];
            }
            rest = behind;
        }
        Ok(())
    }
}

/// Reads words from that of a frame on; those beyond the last frame stay as they are.
fn read(file: &OwnedFd, first: u64, words: &mut [u64]) -> Result<(), Errno> {
    let mut place = first * size_of::<u64>() as u64;
    let mut room = bytes_of(words);
    while !room.is_empty() {
        match rustix::io::pread(file, &mut *room, place) {
            Ok(0) => break,
            Ok(length) => {
                place += length as u64;
                room = &mut room[length..];
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
    fn frames_of_any_order_get_their_own_words() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = std::fs::File::create(directory.path().join("kpagecount")).unwrap();
        for frame in 0..20_000u64 {
            file.write_all(&(7 * frame).to_ne_bytes()).unwrap();
        }
        let proc = Directory::open(directory.path()).unwrap();
        let mut counts = FrameFile::counts(&proc).unwrap();
        for frames in [
            vec![],
            vec![3],
            vec![3, 4, 5, 9, 15, 16],
            vec![19_999, 5, 5, 12_000, 0, 11_999],
            (0..20_000).rev().collect(),
        ] {
            let mut words = frames.clone();
            counts.look_up(&mut words).unwrap();
            let expected: Vec<u64> = frames.iter().map(|frame| 7 * frame).collect();
            assert_eq!(words, expected);
        }
        let mut beyond = [19_999, 20_001, 1 << 50];
        counts.look_up(&mut beyond).unwrap();
        assert_eq!(beyond, [7 * 19_999, 0, 0]);
    }
}
