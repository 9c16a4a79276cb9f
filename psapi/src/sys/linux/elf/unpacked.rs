//! Copies of ELF files whose symbols or debug information are packed in a way that `blazesym` does
//! not read:
//!
//! - `.gnu_debugdata`, an ELF file compressed with xz that has the symbols of a stripped file
//! - `.zdebug_…`, debug information compressed in the way of older GNU tools
//!
//! A copy has only the sections with symbols and debug information, under their usual names. It has
//! no program headers, so it is used with the addresses of the image.

use std::io::Read as _;
use std::os::fd::OwnedFd;

use object::elf::{ET_EXEC, SectionFlags, SectionType};
use object::write::elf::{FileHeader, SectionHeader, Writer};

use crate::sys::linux::elf::file::in_memory;
use crate::sys::linux::elf::sections::{Section, Sections};

/// A section of the copy.
struct Content {
    name: Vec<u8>,
    kind: SectionType,
    flags: SectionFlags,
    entry_size: u64,
    bytes: Vec<u8>,
}

/// The reason why a file was not unpacked.
const INVALID: &str = "invalid compressed symbols";

/// Returns a copy of a file with packed symbols; `None` for a file without.
pub(crate) fn unpacked(
    file: &OwnedFd,
    sections: &Sections,
) -> Result<Option<OwnedFd>, &'static str> {
    let packed = match sections.find(b".gnu_debugdata") {
        Some(_) if sections.has_symbol_table() => None,
        packed => packed,
    };
    let is_zdebug = |section: &Section| section.name.starts_with(ZDEBUG);
    if packed.is_none() && !sections.iter().any(is_zdebug) {
        return Ok(None);
    }
    let mut contents = Vec::new();
    for section in sections.iter().filter(|section| is_wanted(&section.name)) {
        contents.push(read(file, section).ok_or(INVALID)?);
    }
    if let Some(packed) = packed {
        contents.extend(symbols_in(file, packed).ok_or(INVALID)?);
    }
    let copy = write(sections, &contents).ok_or(INVALID)?;
    in_memory(&copy)
        .map(Some)
        .map_err(|_| "cannot create an anonymous file for compressed symbols")
}

const ZDEBUG: &[u8] = b".zdebug_";

fn is_wanted(name: &[u8]) -> bool {
    let names: [&[u8]; 5] = [
        b".symtab",
        b".strtab",
        b".dynsym",
        b".dynstr",
        b".gnu_debugaltlink",
    ];
    name.starts_with(b".debug_") || name.starts_with(ZDEBUG) || names.contains(&name)
}

/// Reads a section, and decompresses it if it is a `.zdebug_…` section.
fn read(file: &OwnedFd, section: &Section) -> Option<Content> {
    let mut bytes = section.read(file)?;
    let mut name = section.name.clone();
    // The magic is missing if compression would not have made the section smaller.
    if let Some(rest) = section.name.strip_prefix(ZDEBUG) {
        name = [b".debug_", rest].concat();
        if let Some(rest) = bytes.strip_prefix(b"ZLIB") {
            let (size, packed) = rest.split_first_chunk()?;
            let size = u64::from_be_bytes(*size);
            let mut unpacked = Vec::new();
            let mut decoder = flate2::bufread::ZlibDecoder::new(packed).take(size);
            decoder.read_to_end(&mut unpacked).ok()?;
            bytes = unpacked;
        }
    }
    Some(Content {
        name,
        kind: section.kind,
        flags: section.flags,
        entry_size: section.entry_size,
        bytes,
    })
}

/// Returns the symbol table and its names from the file in `.gnu_debugdata`.
fn symbols_in(file: &OwnedFd, packed: &Section) -> Option<Vec<Content>> {
    let mut image = Vec::new();
    lzma_rust2::XzReader::new(&packed.read(file)?[..], true)
        .read_to_end(&mut image)
        .ok()?;
    let inner = in_memory(&image).ok()?;
    let sections = Sections::read(&inner)?;
    [&b".symtab"[..], b".strtab"]
        .into_iter()
        .map(|name| read(&inner, sections.find(name)?))
        .collect()
}

/// Returns an ELF file that consists of sections.
fn write(original: &Sections, contents: &[Content]) -> Option<Vec<u8>> {
    let mut buffer = Vec::new();
    let mut writer = Writer::new(original.endian, original.is_64_bit, &mut buffer);
    writer.reserve_file_header();
    writer.reserve_null_section_index();
    let mut placed = Vec::new();
    for content in contents {
        writer.reserve_section_index();
        let name = writer.add_section_name(&content.name);
        placed.push((name, writer.reserve(content.bytes.len() as u64, ALIGNMENT)));
    }
    writer.reserve_shstrtab_section_index();
    writer.reserve_shstrtab().ok()?;
    writer.reserve_section_headers();

    // `ET_EXEC`: the sections need no relocation.
    let header = FileHeader {
        e_type: ET_EXEC,
        ..original.header
    };
    writer.write_file_header(&header).ok()?;
    for content in contents {
        writer.write_align(ALIGNMENT);
        writer.write(&content.bytes);
    }
    writer.write_shstrtab();
    writer.write_null_section_header();
    for (content, (name, offset)) in contents.iter().zip(placed) {
        let sh_name = writer.section_name_offset(Some(name));
        writer.write_section_header(&SectionHeader {
            sh_name,
            sh_type: content.kind,
            sh_flags: content.flags,
            sh_addr: 0,
            sh_offset: offset,
            sh_size: content.bytes.len() as u64,
            sh_link: 0,
            sh_info: 0,
            sh_addralign: ALIGNMENT,
            sh_entsize: content.entry_size,
        });
    }
    writer.write_shstrtab_section_header();
    Some(buffer)
}

/// The alignment of symbol tables, in bytes.
const ALIGNMENT: u64 = 8;
