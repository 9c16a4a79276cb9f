//! The mappings of one process by either way that the kernel offers: `PROCMAP_QUERY` where it
//! exists, else the text of `maps`. Both give the same answers.

use std::cell::RefCell;
use std::ops::Range;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::Errno;

use super::file::Directory;
use super::maps::{self, Access, FILE, Vma};
use super::procmap_query::{self, NAME_ROOM, Which};
use crate::error::Refusal;

/// An open `maps` file: it answers for the address space that the process had when it was opened.
#[derive(Debug)]
pub(crate) struct AddressSpace<'d> {
    process: &'d Directory,
    maps: OwnedFd,
    /// The text, where that has to do.
    text: Option<Text>,
    /// Where the kernel puts a name.
    room: RefCell<Box<[u8; NAME_ROOM]>>,
}

impl<'d> AddressSpace<'d> {
    /// Opens the mappings of a pinned process. `use_query` false leaves `PROCMAP_QUERY` alone. A
    /// process without an address space is refused as "no such process".
    pub(crate) fn open(process: &'d Directory, use_query: bool) -> Result<Self, Refusal> {
        let maps = process.file(FILE)?;
        let answers = use_query
            && match procmap_query::query(maps.as_fd(), Which::NextFile(0)) {
                Ok(_) => true,
                Err(Errno::SRCH) => return Err(process.refusal(FILE, Errno::SRCH)),
                // Another kernel, or something between us and this one.
                Err(_) => false,
            };
        let text = match answers {
            true => None,
            false => Some(Text::read(process, &maps)?),
        };
        Ok(AddressSpace {
            process,
            maps,
            text,
            room: RefCell::new(Box::new([0; NAME_ROOM])),
        })
    }

    pub(crate) fn find(&self, which: Which) -> Result<Option<Vma>, Refusal> {
        match &self.text {
            Some(text) => Ok(text.find(which).map(|(vma, _)| *vma)),
            None => {
                procmap_query::query(self.maps.as_fd(), which).map_err(|errno| self.refusal(errno))
            }
        }
    }

    /// As [`find`](Self::find), and the name without escapes in `name`. The flag tells that an
    /// escape was undone, which the kernel's text leaves open to doubt.
    pub(crate) fn find_named(
        &self,
        which: Which,
        name: &mut Vec<u8>,
    ) -> Result<Option<(Vma, bool)>, Refusal> {
        let named = |text: &Text, name: &mut Vec<u8>| {
            text.find(which)
                .map(|(vma, place)| (*vma, maps::unescape(&text.bytes[place.clone()], name)))
        };
        if let Some(text) = &self.text {
            return Ok(named(text, name));
        }
        match procmap_query::query_name(self.maps.as_fd(), which, &mut self.room.borrow_mut()) {
            Ok(Some((vma, found))) => {
                name.clear();
                name.extend_from_slice(found);
                Ok(Some((vma, false)))
            }
            Ok(None) => Ok(None),
            // The text has room for any name.
            Err(Errno::NAMETOOLONG) => Ok(named(&Text::read(self.process, &self.maps)?, name)),
            Err(errno) => Err(self.refusal(errno)),
        }
    }

    /// The build id of the file mapped at an address, as the kernel reads it; `None` also where
    /// it can't be asked.
    pub(crate) fn build_id(&self, address: u64) -> Option<Vec<u8>> {
        match self.text {
            Some(_) => None,
            None => procmap_query::build_id(self.maps.as_fd(), address).ok()?,
        }
    }

    /// All mappings of files, ascending.
    pub(crate) fn files(&self) -> Result<Vec<Vma>, Refusal> {
        let mut files = Vec::new();
        let mut address = 0;
        while let Some(vma) = self.find(Which::NextFile(address))? {
            files.push(vma);
            address = vma.end;
        }
        Ok(files)
    }

    /// Fails with "no such process" if the process has ended, or has another address space by
    /// now: what was read elsewhere meanwhile may then not be of this one.
    pub(crate) fn check_still_there(&self) -> Result<(), Refusal> {
        let gone = || self.refusal(Errno::SRCH);
        self.process.attributes(FILE).map_err(|_| gone())?;
        if self.text.is_none() {
            return self.find(Which::NextFile(0)).map(|_| ());
        }
        match rustix::io::pread(&self.maps, &mut [0; 1], 0) {
            Ok(1) => Ok(()),
            _ => Err(gone()),
        }
    }

    fn refusal(&self, errno: Errno) -> Refusal {
        self.process.refusal(FILE, errno)
    }
}

/// The text of `maps`, parsed.
#[derive(Debug)]
struct Text {
    bytes: Vec<u8>,
    vmas: Vec<(Vma, Range<usize>)>,
}

impl Text {
    fn read(process: &Directory, maps: &OwnedFd) -> Result<Self, Refusal> {
        let mut bytes = Vec::new();
        maps::read_open(process, maps.as_fd(), &mut bytes)?;
        Ok(Text::parse(bytes))
    }

    fn parse(bytes: Vec<u8>) -> Self {
        let start = bytes.as_ptr() as usize;
        let vmas = maps::lines(&bytes)
            .map(|(vma, name)| {
                let at = name.as_ptr() as usize - start;
                (vma, at..at + name.len())
            })
            .collect();
        Text { bytes, vmas }
    }

    fn find(&self, which: Which) -> Option<&(Vma, Range<usize>)> {
        let from = |address| &self.vmas[self.vmas.partition_point(|(vma, _)| vma.end <= address)..];
        match which {
            Which::At(address) => from(address)
                .first()
                .filter(|(vma, _)| vma.start <= address),
            Which::NextFile(address) => from(address).iter().find(|(vma, _)| vma.file.is_file()),
            Which::NextExecutable(address) => from(address)
                .iter()
                .find(|(vma, _)| vma.file.is_file() && vma.access.contains(Access::EXECUTE)),
            Which::NextCode(address) => from(address)
                .iter()
                .find(|(vma, _)| vma.access.contains(Access::EXECUTE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_answers_as_the_query_does() {
        let text = Text::parse(
            b"1000-2000 r--p 0 fe:00 7 /a\n2000-3000 r-xp 1000 fe:00 7 /a\n\
              4000-5000 r-xp 0 00:00 0 \n6000-7000 rw-p 0 fe:00 8 /b\\012c\n\
              8000-9000 r-xp 0 fe:00 8 /b\\012c\n"
                .to_vec(),
        );
        let start = |which| text.find(which).map(|(vma, _)| vma.start);
        assert_eq!(start(Which::At(0x1fff)), Some(0x1000));
        assert_eq!(start(Which::At(0x2000)), Some(0x2000));
        assert_eq!(start(Which::At(0x3000)), None);
        assert_eq!(start(Which::At(0xfff)), None);
        assert_eq!(start(Which::At(u64::MAX)), None);
        assert_eq!(start(Which::NextFile(0x3000)), Some(0x6000));
        assert_eq!(start(Which::NextFile(0x6fff)), Some(0x6000));
        assert_eq!(start(Which::NextExecutable(0)), Some(0x2000));
        assert_eq!(start(Which::NextExecutable(0x3000)), Some(0x8000));
        assert_eq!(start(Which::NextExecutable(0x9000)), None);
        assert_eq!(start(Which::NextCode(0x3000)), Some(0x4000));
        assert_eq!(start(Which::NextCode(0x9000)), None);
        let (_, name) = text.find(Which::At(0x6000)).unwrap();
        assert_eq!(&text.bytes[name.clone()], b"/b\\012c");
    }
}
