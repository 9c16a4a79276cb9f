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
        const ANON = 1 << 12;
        /// The hardware says that it is broken.
        const HWPOISON = 1 << 19;
        const ZERO_PAGE = 1 << 24;
    }
}

/// How many words are read at once at the most.
const AT_ONCE: u64 = 4096;

/// A call costs as much as a few words more: a gap of so many frames is read through.
const GAP: u64 = 3;

/// How many bits tell the place of a frame among those that are looked up together. A number of a
/// frame has no more than 47: memory has no more than 59 bits of addresses, and a page 12.
const PLACE_BITS: u32 = 17;

/// One of the files, held open.
#[derive(Debug)]
pub(crate) struct FrameFile {
    file: OwnedFd,
    words: Vec<u64>,
    /// Numbers of frames above their places.
    sorted: Vec<u64>,
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
            sorted: Vec::new(),
        })
    }

    /// Replaces numbers of frames by their words: those of neighbours by one call. A number that no
    /// frame has becomes 0.
    pub(crate) fn look_up(&mut self, frames: &mut [u64]) -> Result<(), Errno> {
        for frames in frames.chunks_mut(1 << PLACE_BITS) {
            self.look_up_some(frames)?;
        }
        Ok(())
    }

    fn look_up_some(&mut self, frames: &mut [u64]) -> Result<(), Errno> {
        // Numbers with their places sort faster than places by their numbers.
        self.sorted.clear();
        let with_place = |(&frame, place): (&u64, u64)| frame << PLACE_BITS | place;
        self.sorted.extend(frames.iter().zip(0..).map(with_place));
        self.sorted.sort_unstable();
        let mut rest = &self.sorted[..];
        while let [first, ..] = rest {
            let first = first >> PLACE_BITS;
            let mut last = first;
            let count = rest.iter().take_while(|&&entry| {
                let frame = entry >> PLACE_BITS;
                let goes_on = frame <= last + GAP && frame - first < AT_ONCE;
                last = if goes_on { frame } else { last };
                goes_on
            });
            let (run, behind) = rest.split_at(count.count());
            self.words.clear();
            self.words.resize((last - first) as usize + 1, 0);
            read(&self.file, first, &mut self.words)?;
            for entry in run {
                let place = entry & ((1 << PLACE_BITS) - 1);
                frames[place as usize] = self.words[((entry >> PLACE_BITS) - first) as usize];
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
        let mut beyond = [19_999, 20_001, 1 << 46];
        counts.look_up(&mut beyond).unwrap();
        assert_eq!(beyond, [7 * 19_999, 0, 0]);
    }
}
