//! Parsers of mappings and images. A hostile process can choose their input.

use object::Endianness;

use super::{assert_part, newlines};
use crate::sys::linux::elf::header::{self, Elf, ElfEncoding, ParseError};
use crate::sys::linux::elf::link_map;
use crate::sys::linux::elf::source::build_id_in_prefix;
use crate::sys::linux::mapping_name::{MappingName, classify};
use crate::sys::linux::proc::auxv;
use crate::sys::linux::proc::maps;

/// Checks the parser of `/proc/PID/maps`.
pub fn maps(bytes: &[u8]) {
    let mut lines = maps::lines(bytes);
    let mut reached = 0;
    let mut count = 0;
    let mut plain = Vec::new();
    for (vma, name) in lines.by_ref() {
        assert!(reached <= vma.start && vma.start < vma.end);
        assert_part(bytes, name);
        reached = vma.end;
        count += 1;
        let escaped = maps::unescape(name, &mut plain);
        assert_eq!(maps::escape(&plain), name);
        assert_eq!(escaped, plain.contains(&b'\n'));
        match classify(&vma, &plain, |_| None) {
            MappingName::File { path: part, .. }
            | MappingName::Memfd(part)
            | MappingName::SharedAnonymous(part)
            | MappingName::Anonymous(part)
            | MappingName::Kernel(part) => {
                assert!(part.len() <= plain.len());
            }
            MappingName::SharedHugetlb | MappingName::Hugetlb => assert!(plain.contains(&b'/')),
            MappingName::SysV { .. }
            | MappingName::Heap
            | MappingName::Stack
            | MappingName::Vdso => {}
        }
    }
    let whole = bytes.is_empty() || bytes.ends_with(b"\n");
    assert_eq!(lines.changed(), count < newlines(bytes) || !whole);
}

/// Checks the parser of ELF images.
pub fn elf(bytes: &[u8]) {
    const PAGE: u64 = 4096;
    let elf = match Elf::parse(bytes) {
        Ok(elf) => elf,
        Err(ParseError::Truncated(needed)) => return assert!(needed > bytes.len()),
        Err(ParseError::Invalid) => return,
    };
    let header = if elf.encoding.word_size() == 8 {
        56
    } else {
        32
    };
    assert!(elf.segments().count() * header <= bytes.len());
    assert!(elf.loads().count() <= elf.segments().count());
    if let Some((start, end)) = elf.extent(PAGE) {
        assert_eq!((start % PAGE, end % PAGE), (0, 0));
        for load in elf.loads() {
            assert!(start <= load.vaddr && load.vaddr + load.memory_size <= end);
        }
    }
    if let Some(id) = build_id_in_prefix(&elf, bytes) {
        assert_part(bytes, id);
        assert!(!id.is_empty());
    }
    for segment in elf.notes().chain(elf.dynamic()) {
        let start = usize::try_from(segment.offset).unwrap_or(usize::MAX);
        let part = bytes.get(start..).unwrap_or_default();
        let _ = header::dynamic(elf.encoding, part);
        if let Some(id) = header::build_id(elf.encoding, segment.align, part) {
            assert_part(part, id);
        }
    }
}

/// Checks the parser of `/proc/PID/auxv`.
pub fn auxv(bytes: &[u8]) {
    let Some(auxv) = auxv::parse(bytes) else {
        return;
    };
    assert!(auxv.phdr != Some(0) && auxv.sysinfo_ehdr != Some(0));
    for value in [auxv.phdr, auxv.sysinfo_ehdr].into_iter().flatten() {
        let is_in_input = if auxv.is_64_bit {
            memchr::memmem::find(bytes, &value.to_ne_bytes()).is_some()
        } else {
            u32::try_from(value)
                .is_ok_and(|value| memchr::memmem::find(bytes, &value.to_ne_bytes()).is_some())
        };
        assert!(is_in_input);
    }
}

/// Checks the walk over the dynamic linker's list. The first byte selects the encoding. The rest is
/// memory that starts with `r_debug`.
pub fn link_map(bytes: &[u8]) {
    const START: u64 = 0x1000;
    let Some((&kind, memory)) = bytes.split_first() else {
        return;
    };
    let endian = match kind & 2 {
        0 => Endianness::Little,
        _ => Endianness::Big,
    };
    let encoding = ElfEncoding::new(kind & 1 != 0, endian);
    let read = |address: u64, into: &mut [u8]| {
        let start = usize::try_from(address.checked_sub(START)?).ok()?;
        let end = start.checked_add(into.len())?;
        into.copy_from_slice(memory.get(start..end)?);
        Some(())
    };
    // The walk terminates, even if the list has cycles. Below `UNCHECKED_LENGTH` entries the limit
    // is not checked.
    if let Some(entries) = link_map::walk(encoding, START, read, || memory.len()) {
        assert!(entries.len() <= memory.len().max(link_map::UNCHECKED_LENGTH));
    }
}
