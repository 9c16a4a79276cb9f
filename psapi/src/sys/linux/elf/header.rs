//! Parses ELF images from memory or a file: header, program headers, notes, dynamic section.
//!
//! Supports both classes and both byte orders. The content is untrusted, since a process can put
//! anything into its memory. Arithmetic on it is therefore checked or wraps.

use object::Endianness;
use object::elf::{
    DT_DEBUG, DT_NULL, DT_SONAME, DT_STRSZ, DT_STRTAB, FileHeader32, FileHeader64, NT_GNU_BUILD_ID,
    PT_DYNAMIC, PT_LOAD, PT_NOTE, ProgramHeader32, ProgramHeader64,
};
use object::read::elf::{FileHeader, NoteIterator, ProgramHeader};

/// The class and byte order of an image, which determine how its numbers are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ElfEncoding {
    is_64_bit: bool,
    endian: Endianness,
}

impl ElfEncoding {
    pub(crate) fn new(is_64_bit: bool, endian: Endianness) -> Self {
        ElfEncoding { is_64_bit, endian }
    }

    pub(crate) fn word_size(self) -> usize {
        if self.is_64_bit { 8 } else { 4 }
    }

    pub(crate) fn is_64_bit(self) -> bool {
        self.is_64_bit
    }

    /// Reads the word (4 or 8 bytes, by class) at an index that counts words.
    pub(crate) fn word(self, bytes: &[u8], index: usize) -> Option<u64> {
        let bytes = bytes.get(index.checked_mul(self.word_size())?..)?;
        if !self.is_64_bit {
            return Some(self.u32_at_start(bytes)?.into());
        }
        bytes.first_chunk().map(|&bytes| match self.endian {
            Endianness::Little => u64::from_le_bytes(bytes),
            Endianness::Big => u64::from_be_bytes(bytes),
        })
    }

    /// Reads a C `int` from the first four bytes.
    pub(crate) fn u32_at_start(self, bytes: &[u8]) -> Option<u32> {
        bytes.first_chunk().map(|&bytes| match self.endian {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        })
    }

    /// Truncates an address to the width of the class.
    pub(crate) fn wrap(self, address: u64) -> u64 {
        if self.is_64_bit {
            address
        } else {
            address & u64::from(u32::MAX)
        }
    }
}

/// The reason why bytes do not parse as an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// Not an ELF image, or one with inconsistent headers.
    Invalid,
    /// The headers need at least this many bytes from the start of the image.
    Truncated(usize),
}

/// An image's header and program headers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elf<'a> {
    pub(crate) encoding: ElfEncoding,
    /// `e_entry`: 0 without an entry point.
    pub(crate) entry: u64,
    headers: ProgramHeaders<'a>,
}

#[derive(Debug, Clone, Copy)]
enum ProgramHeaders<'a> {
    Bits64(&'a [ProgramHeader64<Endianness>]),
    Bits32(&'a [ProgramHeader32<Endianness>]),
}

/// A program header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: SegmentKind,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
    pub(crate) align: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentKind {
    Load,
    Dynamic,
    Note,
    Other,
}

impl<'a> Elf<'a> {
    /// Parses the bytes at the start of an image.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        match bytes.get(..5) {
            Some([0x7f, b'E', b'L', b'F', 2]) => {
                Self::parse_as::<FileHeader64<Endianness>>(bytes, ProgramHeaders::Bits64)
            }
            Some([0x7f, b'E', b'L', b'F', 1]) => {
                Self::parse_as::<FileHeader32<Endianness>>(bytes, ProgramHeaders::Bits32)
            }
            Some(_) => Err(ParseError::Invalid),
            None => Err(ParseError::Truncated(size_of::<FileHeader64<Endianness>>())),
        }
    }

    fn parse_as<H>(
        bytes: &'a [u8],
        program_headers: impl FnOnce(&'a [H::ProgramHeader]) -> ProgramHeaders<'a>,
    ) -> Result<Self, ParseError>
    where
        H: FileHeader<Endian = Endianness>,
    {
        let header = H::parse(bytes).map_err(|_| truncated_or_invalid(bytes, size_of::<H>()))?;
        let endian = header.endian().map_err(|_| ParseError::Invalid)?;
        let end = program_headers_end(
            header.e_phoff(endian).into(),
            header.e_phentsize(endian),
            header.e_phnum(endian),
        )?;
        let headers = header
            .program_headers(endian, bytes)
            .map_err(|_| truncated_or_invalid(bytes, end))?;
        Ok(Elf {
            encoding: ElfEncoding::new(header.is_type_64(), endian),
            entry: header.e_entry(endian).into(),
            headers: program_headers(headers),
        })
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment> + use<'a> {
        let endian = self.encoding.endian;
        let headers = self.headers;
        let count = match headers {
            ProgramHeaders::Bits64(headers) => headers.len(),
            ProgramHeaders::Bits32(headers) => headers.len(),
        };
        (0..count).filter_map(move |index| match headers {
            ProgramHeaders::Bits64(headers) => {
                headers.get(index).map(|header| segment(header, endian))
            }
            ProgramHeaders::Bits32(headers) => {
                headers.get(index).map(|header| segment(header, endian))
            }
        })
    }

    pub(crate) fn loads(&self) -> impl Iterator<Item = Segment> + use<'a> {
        self.segments()
            .filter(|segment| segment.kind == SegmentKind::Load && segment.memory_size > 0)
    }

    pub(crate) fn dynamic(&self) -> Option<Segment> {
        self.segments()
            .find(|segment| segment.kind == SegmentKind::Dynamic)
    }

    pub(crate) fn notes(&self) -> impl Iterator<Item = Segment> + use<'a> {
        self.segments()
            .filter(|segment| segment.kind == SegmentKind::Note)
    }

    /// Returns the address range from the first to the last `PT_LOAD` segment, in whole pages.
    ///
    /// The addresses are those in the file. Returns `None` if the range is empty or overflows.
    pub(crate) fn extent(&self, page: u64) -> Option<(u64, u64)> {
        let (start, end) = self.loads().try_fold((u64::MAX, 0), |(start, end), load| {
            let load_end = load.vaddr.checked_add(load.memory_size)?;
            Some((load.vaddr.min(start), load_end.max(end)))
        })?;
        if start >= end {
            return None;
        }
        Some((start - start % page, end.checked_next_multiple_of(page)?))
    }
}

fn segment<H>(header: &H, endian: Endianness) -> Segment
where
    H: ProgramHeader<Endian = Endianness>,
{
    Segment {
        kind: match header.p_type(endian) {
            PT_LOAD => SegmentKind::Load,
            PT_DYNAMIC => SegmentKind::Dynamic,
            PT_NOTE => SegmentKind::Note,
            _ => SegmentKind::Other,
        },
        offset: header.p_offset(endian).into(),
        vaddr: header.p_vaddr(endian).into(),
        file_size: header.p_filesz(endian).into(),
        memory_size: header.p_memsz(endian).into(),
        align: header.p_align(endian).into(),
    }
}

fn truncated_or_invalid(bytes: &[u8], needed: usize) -> ParseError {
    if bytes.len() < needed {
        ParseError::Truncated(needed)
    } else {
        ParseError::Invalid
    }
}

fn program_headers_end(offset: u64, size: u16, count: u16) -> Result<usize, ParseError> {
    offset
        .checked_add(u64::from(size) * u64::from(count))
        .and_then(|end| end.try_into().ok())
        .ok_or(ParseError::Invalid)
}

/// Returns the offset and size in bytes of the program headers, as the header declares them.
pub(crate) fn program_headers(bytes: &[u8]) -> Option<(u64, usize)> {
    fn of<H>(bytes: &[u8]) -> Option<(u64, usize)>
    where
        H: FileHeader<Endian = Endianness>,
    {
        let header = H::parse(bytes).ok()?;
        let endian = header.endian().ok()?;
        let size = usize::from(header.e_phentsize(endian));
        let count = usize::from(header.e_phnum(endian));
        Some((header.e_phoff(endian).into(), size * count))
    }
    match bytes.get(4)? {
        2 => of::<FileHeader64<Endianness>>(bytes),
        _ => of::<FileHeader32<Endianness>>(bytes),
    }
}

/// Sets the header's offset of the program headers (`e_phoff`). Returns `None` if `bytes` is too
/// short.
pub(crate) fn set_program_headers_offset(bytes: &mut [u8], offset: u32) -> Option<()> {
    let encoded = match *bytes.get(5)? {
        2 => offset.to_be_bytes(),
        _ => offset.to_le_bytes(),
    };
    // `e_phoff` has 8 bytes at offset 32, or 4 bytes at offset 28. In big endian, the low half of
    // the 8 bytes comes last.
    let (start, low_half) = match bytes[4] {
        2 if bytes[5] == 2 => (32, 36),
        2 => (32, 32),
        _ => (28, 28),
    };
    let end = if bytes[4] == 2 { 40 } else { 32 };
    bytes.get_mut(start..end)?.fill(0);
    bytes
        .get_mut(low_half..low_half + 4)?
        .copy_from_slice(&encoded);
    Some(())
}

/// Finds the build id among the notes of a `PT_NOTE` segment.
pub(crate) fn build_id(encoding: ElfEncoding, align: u64, notes: &[u8]) -> Option<&[u8]> {
    // Notes have the same layout in both classes.
    type Header = FileHeader64<Endianness>;
    // Some tools write a smaller alignment although they pad to 4 bytes.
    let align = if align <= 4 { 4 } else { align };
    let mut notes = NoteIterator::<Header>::new(encoding.endian, align, notes).ok()?;
    while let Ok(Some(note)) = notes.next() {
        if note.name() == b"GNU" && note.n_type(encoding.endian) == NT_GNU_BUILD_ID {
            return Some(note.desc()).filter(|id| !id.is_empty());
        }
    }
    None
}

/// The entries of a dynamic section that this crate uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dynamic {
    /// `DT_SONAME`: the offset of the image's own name in the string table.
    pub(crate) soname: Option<u64>,
    /// `DT_STRTAB`: the address of the string table. Some linkers replace it in memory with the
    /// relocated address.
    pub(crate) strtab: Option<u64>,
    pub(crate) strsz: Option<u64>,
    /// `DT_DEBUG`: the address of `r_debug`, set by the dynamic linker in the program's memory.
    pub(crate) debug: Option<u64>,
}

/// Parses a dynamic section up to its `DT_NULL` entry.
pub(crate) fn dynamic(encoding: ElfEncoding, section: &[u8]) -> Dynamic {
    let mut dynamic = Dynamic::default();
    let mut index = 0;
    while let (Some(tag), Some(value)) = (
        encoding.word(section, index),
        encoding.word(section, index + 1),
    ) {
        index += 2;
        let is = |expected: object::elf::DynamicTag| i64::try_from(tag) == Ok(expected.0);
        if is(DT_NULL) {
            break;
        } else if is(DT_SONAME) {
            dynamic.soname = Some(value);
        } else if is(DT_STRTAB) {
            dynamic.strtab = Some(value);
        } else if is(DT_STRSZ) {
            dynamic.strsz = Some(value);
        } else if is(DT_DEBUG) {
            dynamic.debug = Some(value).filter(|&address| address != 0);
        }
    }
    dynamic
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Encodes images field by field, as the ELF specification lists them.
    struct Writer {
        encoding: ElfEncoding,
        bytes: Vec<u8>,
    }

    impl Writer {
        fn put(&mut self, value: u64, size: usize) {
            let little = value.to_le_bytes();
            match self.encoding.endian {
                Endianness::Little => self.bytes.extend_from_slice(&little[..size]),
                Endianness::Big => self.bytes.extend(little[..size].iter().rev()),
            }
        }

        fn word(&mut self, value: u64) {
            self.put(value, self.encoding.word_size());
        }
    }

    /// Encodes an image whose program headers follow its header.
    fn image(encoding: ElfEncoding, entry: u64, segments: &[(u32, Segment)]) -> Vec<u8> {
        let wide = encoding.is_64_bit;
        let data = match encoding.endian {
            Endianness::Little => 1,
            Endianness::Big => 2,
        };
        let mut writer = Writer {
            encoding,
            bytes: vec![0x7f, b'E', b'L', b'F', 1 + u8::from(wide), data, 1, 0],
        };
        writer.bytes.resize(16, 0);
        writer.put(3, 2); // e_type
        writer.put(62, 2); // e_machine
        writer.put(1, 4); // e_version
        writer.word(entry);
        writer.word(if wide { 64 } else { 52 }); // e_phoff
        writer.word(0); // e_shoff
        writer.put(0, 4); // e_flags
        writer.put(if wide { 64 } else { 52 }, 2); // e_ehsize
        writer.put(if wide { 56 } else { 32 }, 2); // e_phentsize
        writer.put(segments.len() as u64, 2); // e_phnum
        writer.put(0, 6); // sections
        for (p_type, segment) in segments {
            writer.put((*p_type).into(), 4);
            if wide {
                writer.put(5, 4); // p_flags
            }
            writer.word(segment.offset);
            writer.word(segment.vaddr);
            writer.word(segment.vaddr); // p_paddr
            writer.word(segment.file_size);
            writer.word(segment.memory_size);
            if !wide {
                writer.put(5, 4); // p_flags
            }
            writer.word(segment.align);
        }
        writer.bytes
    }

    fn segment(kind: SegmentKind, vaddr: u64, size: u64) -> (u32, Segment) {
        let p_type = match kind {
            SegmentKind::Load => 1,
            SegmentKind::Dynamic => 2,
            SegmentKind::Note => 4,
            SegmentKind::Other => 0x6474_e551,
        };
        let segment = Segment {
            kind,
            offset: vaddr & 0xffff,
            vaddr,
            file_size: size,
            memory_size: size,
            align: 8,
        };
        (p_type, segment)
    }

    fn all_encodings() -> impl Iterator<Item = ElfEncoding> {
        [false, true].into_iter().flat_map(|is_64_bit| {
            [Endianness::Little, Endianness::Big].map(|endian| ElfEncoding::new(is_64_bit, endian))
        })
    }

    #[test]
    fn parses_all_classes_and_byte_orders() {
        for encoding in all_encodings() {
            let segments = [
                segment(SegmentKind::Other, 0, 0),
                segment(SegmentKind::Load, 0x0804_8100, 0x1000),
                segment(SegmentKind::Load, 0x0804_bf00, 0x101),
                segment(SegmentKind::Dynamic, 0x0804_bf10, 0x90),
                segment(SegmentKind::Note, 0x0804_8120, 0x24),
            ];
            let bytes = image(encoding, 0x0804_8200, &segments);
            let elf = Elf::parse(&bytes).unwrap();
            assert_eq!((elf.encoding, elf.entry), (encoding, 0x0804_8200));
            let expected: Vec<Segment> = segments.iter().map(|(_, segment)| *segment).collect();
            assert_eq!(elf.segments().collect::<Vec<_>>(), expected);
            // The last segment ends one byte into a page.
            assert_eq!(elf.extent(4096), Some((0x0804_8000, 0x0804_d000)));
            assert_eq!(elf.dynamic(), Some(expected[3]));
            assert_eq!(elf.notes().collect::<Vec<_>>(), [expected[4]]);
        }
    }

    #[test]
    fn truncated_header_reports_needed_size() {
        for encoding in all_encodings() {
            let bytes = image(
                encoding,
                0,
                &[
                    segment(SegmentKind::Load, 0, 1),
                    segment(SegmentKind::Load, 9, 1),
                ],
            );
            for length in 0..bytes.len() {
                match Elf::parse(&bytes[..length]).unwrap_err() {
                    ParseError::Truncated(needed) => {
                        assert!(needed > length && needed <= bytes.len().max(64))
                    }
                    ParseError::Invalid => panic!("invalid when truncated to {length} bytes"),
                }
            }
            assert!(Elf::parse(&bytes).is_ok());
        }
    }

    #[test]
    fn rejects_invalid_images() {
        assert_eq!(Elf::parse(b"#!/bin/sh\n").unwrap_err(), ParseError::Invalid);
        assert_eq!(Elf::parse(b"\x7fELF\x03").unwrap_err(), ParseError::Invalid);
        assert_eq!(Elf::parse(&[0; 64]).unwrap_err(), ParseError::Invalid);
        let encoding = ElfEncoding::new(true, Endianness::Little);
        let wraps = [segment(SegmentKind::Load, u64::MAX - 8, 9)];
        let bytes = image(encoding, 0, &wraps);
        assert_eq!(Elf::parse(&bytes).unwrap().extent(4096), None);
        assert_eq!(
            Elf::parse(&image(encoding, 0, &[])).unwrap().extent(4096),
            None
        );
        // The end of these program headers overflows.
        let mut bytes = image(encoding, 0, &wraps);
        bytes[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(Elf::parse(&bytes).unwrap_err(), ParseError::Invalid);
    }

    #[test]
    fn finds_build_id_among_other_notes() {
        let encoding = ElfEncoding::new(true, Endianness::Little);
        let note = |kind: u32, name: &[u8], content: &[u8]| {
            let mut note = Vec::new();
            for number in [name.len() as u32, content.len() as u32, kind] {
                note.extend_from_slice(&number.to_le_bytes());
            }
            for part in [name, content] {
                note.extend_from_slice(part);
                note.resize(note.len().next_multiple_of(4), 0);
            }
            note
        };
        let build_id_note = note(3, b"GNU\0", &[0xab, 0xcd, 0xef]);
        let others = [
            note(1, b"GNU\0", &[9; 16]),
            note(3, b"Go\0\0", &[7; 8]),
            note(3, b"", &[7; 8]),
        ];
        let notes = [others.concat(), build_id_note.clone()].concat();
        assert_eq!(build_id(encoding, 4, &notes), Some(&[0xab, 0xcd, 0xef][..]));
        assert_eq!(build_id(encoding, 0, &notes), Some(&[0xab, 0xcd, 0xef][..]));
        assert_eq!(build_id(encoding, 4, &others.concat()), None);
        assert_eq!(build_id(encoding, 4, &note(3, b"GNU\0", &[])), None);
        for end in 0..build_id_note.len() - 1 {
            assert_eq!(
                build_id(encoding, 4, &build_id_note[..end]),
                None,
                "cut at {end}"
            );
        }
    }

    #[test]
    fn sets_program_headers_offset() {
        for encoding in all_encodings() {
            let mut bytes = image(encoding, 0x40, &[segment(SegmentKind::Load, 7, 9)]);
            let (offset, size) = program_headers(&bytes).unwrap();
            let end = bytes.len() as u32;
            bytes.extend_from_within(offset as usize..offset as usize + size);
            bytes[offset as usize..][..size].fill(0);
            set_program_headers_offset(&mut bytes, end).unwrap();
            assert_eq!(program_headers(&bytes), Some((end.into(), size)));
            let elf = Elf::parse(&bytes).unwrap();
            assert_eq!((elf.entry, elf.loads().count()), (0x40, 1));
            assert_eq!(set_program_headers_offset(&mut bytes[..20], end), None);
        }
    }

    #[test]
    fn dynamic_section_ends_at_null() {
        for encoding in all_encodings() {
            let mut writer = Writer {
                encoding,
                bytes: Vec::new(),
            };
            let entries = [
                (1, 7),
                (14, 0x1a),
                (5, 0x400),
                (10, 0x99),
                (21, 0x7000),
                (0, 0),
                (14, 1),
            ];
            for (tag, value) in entries {
                writer.word(tag);
                writer.word(value);
            }
            let expected = Dynamic {
                soname: Some(0x1a),
                strtab: Some(0x400),
                strsz: Some(0x99),
                debug: Some(0x7000),
            };
            assert_eq!(dynamic(encoding, &writer.bytes), expected);
            assert_eq!(
                dynamic(encoding, &writer.bytes[..encoding.word_size() * 3]),
                Dynamic::default()
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            use_all_parts(&bytes);
            for encoding in all_encodings() {
                dynamic(encoding, &bytes);
                for align in [0, 3, 4, 8, u64::MAX] {
                    build_id(encoding, align, &bytes);
                }
            }
        }

        #[test]
        fn damaged_headers_do_not_panic(
            which in 0..4usize,
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let encoding = all_encodings().nth(which).unwrap();
            let segments = [
                segment(SegmentKind::Load, 0, 99),
                segment(SegmentKind::Note, 9, 36),
                segment(SegmentKind::Dynamic, 7, 16),
            ];
            let mut bytes = image(encoding, 0x200, &segments);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            use_all_parts(&bytes);
        }
    }

    fn use_all_parts(bytes: &[u8]) {
        if let Ok(elf) = Elf::parse(bytes) {
            elf.extent(4096);
            elf.dynamic();
            elf.notes().count();
        }
    }
}
