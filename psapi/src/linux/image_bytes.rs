//! The bytes of an ELF image, by the addresses that the image itself uses: from the memory of the
//! process, or, where that may not be read, from the file.
//!
//! Memory is preferred: it is the image that runs, also when its file was deleted or replaced, or
//! is in another mount namespace, or never was. The file is reached by `PROC/PID/map_files`, which
//! leads to the very file that is mapped, or by its path from the root of the process, where the
//! file found there must be the one that is mapped.

use std::os::fd::OwnedFd;

use super::elf::{self, Elf, NoElf};
use super::file::Directory;
use super::file_name::file_id;
use super::maps::Vma;
use super::mem::Memory;

/// What suffices for the header and the program headers of nearly every image, which has a dozen
/// at the most.
pub(crate) const HEADER_ROOM: usize = 768;

/// What suffices for these and for the build id behind them.
pub(crate) const NOTES_ROOM: usize = 1024;

/// More than this is not read for one question: no true image asks for it, and a process may map
/// tens of thousands of images that are made to keep the reader busy.
const MOST: u64 = 64 << 10;

/// As `MOST`, of headers, which are kept while the search goes on: twice what the kernel takes of
/// a program that it starts.
const MOST_OF_HEADER: usize = 8 << 10;

/// As `MOST`, of the notes of a segment, and how many such segments are looked at. True images
/// have two or three, of some hundred bytes.
const MOST_OF_NOTES: u64 = 16 << 10;
const NOTE_SEGMENTS: usize = 8;

/// Where the bytes of one image are read.
pub(crate) enum Source<'m> {
    /// Memory: the address is the image's own plus the bias.
    Memory { memory: &'m Memory, bias: u64 },
    /// The file, from where the image starts in it.
    File { file: OwnedFd, start: u64 },
}

impl Source<'_> {
    /// Reads at an address of the image and tells how much could be read.
    fn read(&self, elf: &Elf<'_>, address: u64, into: &mut [u8]) -> usize {
        match self {
            Source::Memory { memory, bias } => {
                memory.read(elf.words.wrap(address.wrapping_add(*bias)), into)
            }
            Source::File { file, start } => {
                let place = elf.loads().find_map(|load| {
                    let distance = address.checked_sub(load.vaddr)?;
                    let left = load.file_size.checked_sub(distance)?;
                    Some((load.offset.checked_add(distance)?, left))
                });
                let Some((offset, left)) = place else {
                    return 0;
                };
                let length = usize::try_from(left).map_or(into.len(), |left| left.min(into.len()));
                match start.checked_add(offset) {
                    Some(offset) => read_file(file, offset, &mut into[..length]),
                    None => 0,
                }
            }
        }
    }

    fn read_up_to(&self, elf: &Elf<'_>, address: u64, size: u64) -> Vec<u8> {
        let mut bytes = vec![0; size.min(MOST) as usize];
        let length = self.read(elf, address, &mut bytes);
        bytes.truncate(length);
        bytes
    }

    /// The build id, from the image's first bytes if it is among those.
    pub(crate) fn build_id_near(&self, elf: &Elf<'_>, first: &[u8]) -> Option<Vec<u8>> {
        match build_id_at_hand(elf, first) {
            Some(id) => Some(id.to_vec()),
            None => self.build_id(elf),
        }
    }

    fn build_id(&self, elf: &Elf<'_>) -> Option<Vec<u8>> {
        elf.notes().take(NOTE_SEGMENTS).find_map(|note| {
            let notes = self.read_up_to(elf, note.vaddr, note.file_size.min(MOST_OF_NOTES));
            elf::build_id(elf.words, note.align, &notes).map(<[u8]>::to_vec)
        })
    }

    pub(crate) fn dynamic(&self, elf: &Elf<'_>) -> Option<elf::Dynamic> {
        let section = elf.dynamic()?;
        let bytes = self.read_up_to(elf, section.vaddr, section.memory_size);
        Some(elf::dynamic(elf.words, &bytes))
    }

    /// The name that the image calls itself by.
    pub(crate) fn soname(&self, elf: &Elf<'_>) -> Option<Vec<u8>> {
        let dynamic = self.dynamic(elf)?;
        let (offset, table) = (dynamic.soname?, dynamic.strtab?);
        // Some linkers put the address in memory in the place of the image's own.
        let table = match self {
            Source::Memory { bias, .. } if !in_loads(elf, table) => {
                elf.words.wrap(table.wrapping_sub(*bias))
            }
            _ => table,
        };
        let size = dynamic.strsz.unwrap_or(MOST).checked_sub(offset)?;
        let address = table.checked_add(offset)?;
        // Names are short; the whole table may not be.
        let mut name = self.read_up_to(elf, address, size.min(256));
        let end = memchr::memchr(0, &name).or_else(|| {
            name = self.read_up_to(elf, address, size);
            memchr::memchr(0, &name)
        })?;
        name.truncate(end);
        Some(name).filter(|name| !name.is_empty())
    }
}

fn in_loads(elf: &Elf<'_>, address: u64) -> bool {
    elf.loads()
        .any(|load| address >= load.vaddr && address - load.vaddr < load.memory_size)
}

/// The build id of an image whose first bytes are at hand, if it is among those; `None` says that
/// it has to be read.
pub(crate) fn build_id_at_hand<'a>(elf: &Elf<'_>, bytes: &'a [u8]) -> Option<&'a [u8]> {
    elf.notes().find_map(|note| {
        let start = usize::try_from(note.offset).ok()?;
        let end = start.checked_add(usize::try_from(note.file_size).ok()?)?;
        elf::build_id(elf.words, note.align, bytes.get(start..end)?)
    })
}

/// The part of a header that is as it lies in the image, whatever was put behind it.
pub(crate) fn true_start(header: &[u8]) -> &[u8] {
    &header[..header.len().min(HEADER_ROOM)]
}

/// The bytes at an address in memory that an image's header takes; `None` if none is there.
pub(crate) fn header_in_memory(memory: &Memory, address: u64) -> Option<Vec<u8>> {
    header(|distance, bytes| match address.checked_add(distance) {
        Some(address) => memory.read(address, bytes),
        None => 0,
    })
}

/// As [`header_in_memory`], in a file.
pub(crate) fn header_in_file(file: &OwnedFd, start: u64) -> Option<Vec<u8>> {
    header(|distance, bytes| match start.checked_add(distance) {
        Some(place) => read_file(file, place, bytes),
        None => 0,
    })
}

/// `read` reads at a distance from the image's start. Tools that rewrite programs, such as BOLT,
/// put the program headers at the end: these are then put behind the first [`HEADER_ROOM`] bytes.
fn header(mut read: impl FnMut(u64, &mut [u8]) -> usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; HEADER_ROOM];
    let length = read(0, &mut bytes);
    bytes.truncate(length);
    match Elf::parse(&bytes) {
        Ok(_) => Some(bytes),
        Err(NoElf::Short(needed)) if length == HEADER_ROOM && needed <= MOST_OF_HEADER => {
            bytes.resize(needed, 0);
            (read(0, &mut bytes) == needed && Elf::parse(&bytes).is_ok()).then_some(bytes)
        }
        Err(NoElf::Short(_)) if length == HEADER_ROOM => {
            let (offset, size) = elf::program_headers(&bytes)?;
            if HEADER_ROOM + size > MOST_OF_HEADER {
                return None;
            }
            bytes.resize(HEADER_ROOM + size, 0);
            elf::move_program_headers(&mut bytes, HEADER_ROOM as u32)?;
            let all = read(offset, &mut bytes[HEADER_ROOM..]) == size;
            (all && Elf::parse(&bytes).is_ok()).then_some(bytes)
        }
        Err(_) => None,
    }
}

fn read_file(file: &OwnedFd, offset: u64, into: &mut [u8]) -> usize {
    let mut done = 0;
    while let Some(at) = offset.checked_add(done as u64) {
        match rustix::io::pread(file, &mut into[done..], at) {
            Ok(0) => break,
            Ok(length) => done += length,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    done
}

/// Opens the file behind a mapping; `path` is its name, without the mark of a deleted file.
pub(crate) fn open_file(process: &Directory, vma: &Vma, path: &[u8]) -> Option<OwnedFd> {
    let by_range = format!("map_files/{:x}-{:x}", vma.start, vma.end);
    let regular = |name: &[u8]| process.try_regular_file(name).ok().flatten();
    if let Some((file, _)) = regular(by_range.as_bytes()) {
        return Some(file);
    }
    let by_path = [b"root", path].concat();
    let (file, found) = path
        .starts_with(b"/")
        .then(|| regular(&by_path))
        .flatten()?;
    (file_id(&found) == vma.file).then_some(file)
}
