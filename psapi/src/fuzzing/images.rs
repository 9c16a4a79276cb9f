//! Mappings and images: what a process can arrange in its own memory, and so whatever it likes.

use object::Endianness;

use super::{assert_part, newlines};
use crate::linux::elf::{self, Elf, NoElf, Words};
use crate::linux::image_bytes::build_id_at_hand;
use crate::linux::link_map;
use crate::linux::mapping_name::{Named, classify};
use crate::linux::{auxv, maps};

/// The `maps` of a process.
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
        match classify(&vma, &plain) {
            Named::File { path: part, .. }
            | Named::Memfd(part)
            | Named::SharedAnonymous(part)
            | Named::Anonymous(part)
            | Named::Kernel(part) => {
                assert!(part.len() <= plain.len());
            }
            Named::SharedHugetlb | Named::Hugetlb => assert!(plain.contains(&b'/')),
            Named::SysV { .. } | Named::Heap | Named::Stack | Named::Vdso => {}
        }
    }
    let whole = bytes.is_empty() || bytes.ends_with(b"\n");
    assert_eq!(lines.changed(), count < newlines(bytes) || !whole);
}

/// The start of an ELF image.
pub fn elf(bytes: &[u8]) {
    const PAGE: u64 = 4096;
    let elf = match Elf::parse(bytes) {
        Ok(elf) => elf,
        Err(NoElf::Short(needed)) => return assert!(needed > bytes.len()),
        Err(NoElf::Wrong) => return,
    };
    let header = if elf.words.size() == 8 { 56 } else { 32 };
    assert!(elf.segments().count() * header <= bytes.len());
    assert!(elf.loads().count() <= elf.segments().count());
    if let Some((start, end)) = elf.extent(PAGE) {
        assert_eq!((start % PAGE, end % PAGE), (0, 0));
        for load in elf.loads() {
            assert!(start <= load.vaddr && load.vaddr + load.memory_size <= end);
        }
    }
    if let Some(id) = build_id_at_hand(&elf, bytes) {
        assert_part(bytes, id);
        assert!(!id.is_empty());
    }
    for segment in elf.notes().chain(elf.dynamic()) {
        let start = usize::try_from(segment.offset).unwrap_or(usize::MAX);
        let part = bytes.get(start..).unwrap_or_default();
        let _ = elf::dynamic(elf.words, part);
        if let Some(id) = elf::build_id(elf.words, segment.align, part) {
            assert_part(part, id);
        }
    }
}

/// The `auxv` of a process.
pub fn auxv(bytes: &[u8]) {
    let Some(auxv) = auxv::parse(bytes) else {
        return;
    };
    assert!(auxv.phdr != Some(0) && auxv.sysinfo_ehdr != Some(0));
    for value in [auxv.phdr, auxv.sysinfo_ehdr].into_iter().flatten() {
        let is_there = match auxv.is_64_bit {
            true => memchr::memmem::find(bytes, &value.to_ne_bytes()).is_some(),
            false => u32::try_from(value)
                .is_ok_and(|value| memchr::memmem::find(bytes, &value.to_ne_bytes()).is_some()),
        };
        assert!(is_there);
    }
}

/// The dynamic linker's list. The first byte says what words are like, the rest is the memory,
/// with `r_debug` at its start.
pub fn link_map(bytes: &[u8]) {
    const START: u64 = 0x1000;
    let Some((&kind, memory)) = bytes.split_first() else {
        return;
    };
    let endian = match kind & 2 {
        0 => Endianness::Little,
        _ => Endianness::Big,
    };
    let words = Words::new(kind & 1 != 0, endian);
    let read = |address: u64, into: &mut [u8]| {
        let start = usize::try_from(address.checked_sub(START)?).ok()?;
        let end = start.checked_add(into.len())?;
        into.copy_from_slice(memory.get(start..end)?);
        Some(())
    };
    // However it is linked, it ends, and has no more entries than the memory has places, unless
    // so few that they were not worth a count.
    if let Some(entries) = link_map::walk(words, START, read, || memory.len()) {
        assert!(entries.len() <= memory.len().max(link_map::LONG));
    }
}
