//! Reads the bytes of an ELF image from the memory of the process or, without access, from the
//! file. All addresses are those in the image's own headers.
//!
//! Memory is preferred because it holds the image that runs. The file might be deleted or replaced,
//! be in another mount namespace, or never have existed.

use std::os::fd::OwnedFd;

use crate::sys::linux::calls::process_vm_readv::Memory;
use crate::sys::linux::elf::header::{self, Elf, ParseError};

/// Bytes that hold the header and the program headers of nearly every image; few images have more
/// than a dozen.
pub(crate) const HEADER_SIZE: usize = 768;

/// Bytes that usually also hold the build id, which follows these headers.
pub(crate) const NOTES_SIZE: usize = 1024;

/// Limit for one read. Real images need less, and a hostile process can map tens of thousands of
/// images that are crafted to slow the reader down.
const MAX_READ: u64 = 64 << 10;

/// Limit for headers, which stay in memory during a search. The kernel executes programs with at
/// most half of this.
const MAX_HEADER: usize = 8 << 10;

/// Limits for the bytes of a note segment and for the number of segments. Real images have two or
/// three, of a few hundred bytes.
const MAX_NOTES: u64 = 16 << 10;
const MAX_NOTE_SEGMENTS: usize = 8;

/// The place from which the bytes of one image are read.
pub(crate) enum Source<'m> {
    /// Memory, at the image's own address plus `bias`.
    Memory { memory: &'m Memory, bias: u64 },
    /// The file, in which the image starts at offset `start`.
    File { file: OwnedFd, start: u64 },
}

impl Source<'_> {
    /// Reads at an address of the image and returns the number of bytes read.
    fn read(&self, elf: &Elf<'_>, address: u64, into: &mut [u8]) -> usize {
        match self {
            Source::Memory { memory, bias } => {
                memory.read(elf.encoding.wrap(address.wrapping_add(*bias)), into)
            }
            Source::File { file, start } => {
                let location = elf.loads().find_map(|load| {
                    let distance = address.checked_sub(load.vaddr)?;
                    let rest = load.file_size.checked_sub(distance)?;
                    Some((load.offset.checked_add(distance)?, rest))
                });
                let Some((offset, rest)) = location else {
                    return 0;
                };
                let length = usize::try_from(rest).map_or(into.len(), |rest| rest.min(into.len()));
                match start.checked_add(offset) {
                    Some(offset) => read_file(file, offset, &mut into[..length]),
                    None => 0,
                }
            }
        }
    }

    fn read_up_to(&self, elf: &Elf<'_>, address: u64, size: u64) -> Vec<u8> {
        let mut bytes = vec![0; size.min(MAX_READ) as usize];
        let length = self.read(elf, address, &mut bytes);
        bytes.truncate(length);
        bytes
    }

    /// Returns the build id. Reads it unless it is in `prefix`, the first bytes of the image.
    pub(crate) fn build_id_with_prefix(&self, elf: &Elf<'_>, prefix: &[u8]) -> Option<Vec<u8>> {
        match build_id_in_prefix(elf, prefix) {
            Some(id) => Some(id.to_vec()),
            None => self.build_id(elf),
        }
    }

    fn build_id(&self, elf: &Elf<'_>) -> Option<Vec<u8>> {
        elf.notes().take(MAX_NOTE_SEGMENTS).find_map(|note| {
            let notes = self.read_up_to(elf, note.vaddr, note.file_size.min(MAX_NOTES));
            header::build_id(elf.encoding, note.align, &notes).map(<[u8]>::to_vec)
        })
    }

    pub(crate) fn dynamic(&self, elf: &Elf<'_>) -> Option<header::Dynamic> {
        let section = elf.dynamic()?;
        let bytes = self.read_up_to(elf, section.vaddr, section.memory_size);
        Some(header::dynamic(elf.encoding, &bytes))
    }

    /// Returns the `DT_SONAME` string.
    pub(crate) fn soname(&self, elf: &Elf<'_>) -> Option<Vec<u8>> {
        let dynamic = self.dynamic(elf)?;
        let (offset, table) = (dynamic.soname?, dynamic.strtab?);
        // Some linkers replace the address from the file with the relocated one.
        let table = match self {
            Source::Memory { bias, .. } if !in_loads(elf, table) => {
                elf.encoding.wrap(table.wrapping_sub(*bias))
            }
            _ => table,
        };
        let size = dynamic.strsz.unwrap_or(MAX_READ).checked_sub(offset)?;
        let address = table.checked_add(offset)?;
        // Names are short, but the rest of the table can be long.
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

/// Finds the build id in the first bytes of an image. If the result is `None`, the build id must be
/// read.
pub(crate) fn build_id_in_prefix<'a>(elf: &Elf<'_>, prefix: &'a [u8]) -> Option<&'a [u8]> {
    elf.notes().find_map(|note| {
        let start = usize::try_from(note.offset).ok()?;
        let end = start.checked_add(usize::try_from(note.file_size).ok()?)?;
        header::build_id(elf.encoding, note.align, prefix.get(start..end)?)
    })
}

/// Returns the part of a header that is a prefix of the image. Program headers that were copied
/// from elsewhere follow it; see [`read_header`].
pub(crate) fn contiguous_part(header: &[u8]) -> &[u8] {
    &header[..header.len().min(HEADER_SIZE)]
}

/// Reads the header and program headers of the image at an address; `None` if there is no image.
pub(crate) fn header_in_memory(memory: &Memory, address: u64) -> Option<Vec<u8>> {
    read_header(|distance, bytes| match address.checked_add(distance) {
        Some(address) => memory.read(address, bytes),
        None => 0,
    })
}

/// Like [`header_in_memory`], for an image that starts at an offset in a file.
pub(crate) fn header_in_file(file: &OwnedFd, start: u64) -> Option<Vec<u8>> {
    read_header(|distance, bytes| match start.checked_add(distance) {
        Some(offset) => read_file(file, offset, bytes),
        None => 0,
    })
}

/// Reads a header by calling `read` with distances from the image's start.
///
/// Tools that rewrite programs, such as BOLT, put the program headers at the end of the file. These
/// are then appended to the first [`HEADER_SIZE`] bytes, and `e_phoff` is changed accordingly.
fn read_header(mut read: impl FnMut(u64, &mut [u8]) -> usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; HEADER_SIZE];
    let length = read(0, &mut bytes);
    bytes.truncate(length);
    match Elf::parse(&bytes) {
        Ok(_) => Some(bytes),
        Err(ParseError::Truncated(needed)) if length == HEADER_SIZE && needed <= MAX_HEADER => {
            bytes.resize(needed, 0);
            (read(0, &mut bytes) == needed && Elf::parse(&bytes).is_ok()).then_some(bytes)
        }
        Err(ParseError::Truncated(_)) if length == HEADER_SIZE => {
            let (offset, size) = header::program_headers(&bytes)?;
            if HEADER_SIZE + size > MAX_HEADER {
                return None;
            }
            bytes.resize(HEADER_SIZE + size, 0);
            header::set_program_headers_offset(&mut bytes, HEADER_SIZE as u32)?;
            let all = read(offset, &mut bytes[HEADER_SIZE..]) == size;
            (all && Elf::parse(&bytes).is_ok()).then_some(bytes)
        }
        Err(_) => None,
    }
}

pub(crate) fn read_file(file: &OwnedFd, offset: u64, into: &mut [u8]) -> usize {
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
