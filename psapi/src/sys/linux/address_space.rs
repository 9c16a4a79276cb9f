//! Finds the mappings of one process by address.
//!
//! Uses `PROCMAP_QUERY` if the kernel has it, and otherwise the parsed text of `maps`. Both give
//! the same results.

use std::cell::RefCell;
use std::ops::Range;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::calls::procmap_query::{self, NAME_SIZE, VmaQuery};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::maps::{self, Access, FILE, Vma};

/// An open `maps` file, which stays bound to the address space that the process had when the file
/// was opened.
#[derive(Debug)]
pub(crate) struct AddressSpace<'d> {
    process: &'d Dir,
    maps: OwnedFd,
    /// The text, if `PROCMAP_QUERY` is not usable.
    text: Option<Text>,
    /// Buffer for the name that a query returns.
    buffer: RefCell<Box<[u8; NAME_SIZE]>>,
}

impl<'d> AddressSpace<'d> {
    /// Opens the mappings of a pinned process, without `PROCMAP_QUERY` if `use_query` is false.
    /// Fails with `ESRCH` if the process has no address space.
    pub(crate) fn open(process: &'d Dir, use_query: bool) -> Result<Self, SourceError> {
        let maps = process.file(FILE)?;
        let is_supported = use_query
            && match procmap_query::query(maps.as_fd(), VmaQuery::NextFile(0)) {
                Ok(_) => true,
                Err(Errno::SRCH) => return Err(process.error_at(FILE, Errno::SRCH)),
                // An older kernel, or a sandbox that rejects the ioctl.
                Err(_) => false,
            };
        let text = if is_supported {
            None
        } else {
            Some(Text::read(process, &maps)?)
        };
        Ok(AddressSpace {
            process,
            maps,
            text,
            buffer: RefCell::new(Box::new([0; NAME_SIZE])),
        })
    }

    pub(crate) fn find(&self, query: VmaQuery) -> Result<Option<Vma>, SourceError> {
        match &self.text {
            Some(text) => Ok(text.find(query).map(|(vma, _)| *vma)),
            None => {
                procmap_query::query(self.maps.as_fd(), query).map_err(|errno| self.error_at(errno))
            }
        }
    }

    /// Like [`find`](Self::find), and stores the unescaped name in `name`.
    ///
    /// The flag is true if an escape was undone. Since the text of `maps` is ambiguous there, the
    /// name might also have contained the escape literally.
    pub(crate) fn find_named(
        &self,
        query: VmaQuery,
        name: &mut Vec<u8>,
    ) -> Result<Option<(Vma, bool)>, SourceError> {
        let named = |text: &Text, name: &mut Vec<u8>| {
            text.find(query)
                .map(|(vma, range)| (*vma, maps::unescape(&text.bytes[range.clone()], name)))
        };
        if let Some(text) = &self.text {
            return Ok(named(text, name));
        }
        match procmap_query::query_name(self.maps.as_fd(), query, &mut self.buffer.borrow_mut()) {
            Ok(Some((vma, found))) => {
                name.clear();
                name.extend_from_slice(found);
                Ok(Some((vma, false)))
            }
            Ok(None) => Ok(None),
            // The text has no limit for names.
            Err(Errno::NAMETOOLONG) => Ok(named(&Text::read(self.process, &self.maps)?, name)),
            Err(errno) => Err(self.error_at(errno)),
        }
    }

    /// Returns the build id that the kernel read from the file mapped at an address. Without
    /// `PROCMAP_QUERY` the result is always `None`.
    pub(crate) fn build_id(&self, address: u64) -> Option<Vec<u8>> {
        match self.text {
            Some(_) => None,
            None => procmap_query::build_id(self.maps.as_fd(), address).ok()?,
        }
    }

    /// Returns all file mappings, by ascending address.
    pub(crate) fn files(&self) -> Result<Vec<Vma>, SourceError> {
        let mut files = Vec::new();
        let mut address = 0;
        while let Some(vma) = self.find(VmaQuery::NextFile(address))? {
            files.push(vma);
            address = vma.end;
        }
        Ok(files)
    }

    /// Fails with `ESRCH` if the process has ended or has a different address space by now. Memory
    /// that was read since `open` then possibly belongs to the new address space.
    pub(crate) fn check_unchanged(&self) -> Result<(), SourceError> {
        let gone = || self.error_at(Errno::SRCH);
        self.process.attributes(FILE).map_err(|_| gone())?;
        if self.text.is_none() {
            return self.find(VmaQuery::NextFile(0)).map(|_| ());
        }
        match rustix::io::pread(&self.maps, &mut [0; 1], 0) {
            Ok(1) => Ok(()),
            _ => Err(gone()),
        }
    }

    fn error_at(&self, errno: Errno) -> SourceError {
        self.process.error_at(FILE, errno)
    }
}

/// The text of `maps` and its mappings, each with the range of its name in the text.
#[derive(Debug)]
struct Text {
    bytes: Vec<u8>,
    vmas: Vec<(Vma, Range<usize>)>,
}

impl Text {
    fn read(process: &Dir, maps: &OwnedFd) -> Result<Self, SourceError> {
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

    fn find(&self, query: VmaQuery) -> Option<&(Vma, Range<usize>)> {
        let from = |address| &self.vmas[self.vmas.partition_point(|(vma, _)| vma.end <= address)..];
        match query {
            VmaQuery::At(address) => from(address)
                .first()
                .filter(|(vma, _)| vma.start <= address),
            VmaQuery::Next(address) => from(address).first(),
            VmaQuery::NextFile(address) => from(address).iter().find(|(vma, _)| vma.file.is_file()),
            VmaQuery::NextExecutableFile(address) => from(address)
                .iter()
                .find(|(vma, _)| vma.file.is_file() && vma.access.contains(Access::EXECUTE)),
            VmaQuery::NextExecutable(address) => from(address)
                .iter()
                .find(|(vma, _)| vma.access.contains(Access::EXECUTE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_mappings_in_text() {
        let text = Text::parse(
            b"1000-2000 r--p 0 fe:00 7 /a\n2000-3000 r-xp 1000 fe:00 7 /a\n\
              4000-5000 r-xp 0 00:00 0 \n6000-7000 rw-p 0 fe:00 8 /b\\012c\n\
              8000-9000 r-xp 0 fe:00 8 /b\\012c\n"
                .to_vec(),
        );
        let start = |query| text.find(query).map(|(vma, _)| vma.start);
        assert_eq!(start(VmaQuery::At(0x1fff)), Some(0x1000));
        assert_eq!(start(VmaQuery::At(0x2000)), Some(0x2000));
        assert_eq!(start(VmaQuery::At(0x3000)), None);
        assert_eq!(start(VmaQuery::At(0xfff)), None);
        assert_eq!(start(VmaQuery::At(u64::MAX)), None);
        assert_eq!(start(VmaQuery::Next(0x2fff)), Some(0x2000));
        assert_eq!(start(VmaQuery::Next(0x3000)), Some(0x4000));
        assert_eq!(start(VmaQuery::Next(0x9000)), None);
        assert_eq!(start(VmaQuery::NextFile(0x3000)), Some(0x6000));
        assert_eq!(start(VmaQuery::NextFile(0x6fff)), Some(0x6000));
        assert_eq!(start(VmaQuery::NextExecutableFile(0)), Some(0x2000));
        assert_eq!(start(VmaQuery::NextExecutableFile(0x3000)), Some(0x8000));
        assert_eq!(start(VmaQuery::NextExecutableFile(0x9000)), None);
        assert_eq!(start(VmaQuery::NextExecutable(0x3000)), Some(0x4000));
        assert_eq!(start(VmaQuery::NextExecutable(0x9000)), None);
        let (_, name) = text.find(VmaQuery::At(0x6000)).unwrap();
        assert_eq!(&text.bytes[name.clone()], b"/b\\012c");
    }
}
