//! ELF images as they stand in memory or in a file: header, program headers, notes, dynamic
//! section. Both classes, either byte order; nothing in them is trusted.

use object::Endianness;
use object::elf::{
    DT_DEBUG, DT_NULL, DT_SONAME, DT_STRSZ, DT_STRTAB, FileHeader32, FileHeader64, NT_GNU_BUILD_ID,
    PT_DYNAMIC, PT_LOAD, PT_NOTE, ProgramHeader32, ProgramHeader64,
};
use object::read::elf::{FileHeader as _, NoteIterator};

/// The words of a class and byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words {
    is_64_bit: bool,
    endian: Endianness,
}

impl Words {
    pub(crate) fn new(is_64_bit: bool, endian: Endianness) -> Self {
        Words { is_64_bit, endian }
    }

    pub(crate) fn size(self) -> usize {
        if self.is_64_bit { 8 } else { 4 }
    }

    /// The word at an index.
    pub(crate) fn get(self, bytes: &[u8], index: usize) -> Option<u64> {
        let size = self.size();
        let bytes = bytes.get(index.checked_mul(size)?..)?;
        match self.is_64_bit {
            true => bytes.first_chunk().map(|&bytes| match self.endian {
                Endianness::Little => u64::from_le_bytes(bytes),
                Endianness::Big => u64::from_be_bytes(bytes),
            }),
            false => Some(self.first_int_of(bytes)?.into()),
        }
    }

    /// The `int` at the start; 0 if there is none.
    pub(crate) fn first_int(self, bytes: &[u8]) -> u32 {
        self.first_int_of(bytes).unwrap_or(0)
    }

    fn first_int_of(self, bytes: &[u8]) -> Option<u32> {
        bytes.first_chunk().map(|&bytes| match self.endian {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        })
    }

    /// An address as large as the class has them.
    pub(crate) fn wrap(self, address: u64) -> u64 {
        match self.is_64_bit {
            true => address,
            false => address & u64::from(u32::MAX),
        }
    }
}

/// Why a header is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoElf {
    /// Not an ELF image, or one that makes no sense.
    Wrong,
    /// So many bytes from the start would be needed to tell.
    Short(usize),
}

/// An image's header and program headers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elf<'a> {
    pub(crate) words: Words,
    /// `e_entry`: 0 if it has none.
    pub(crate) entry: u64,
    headers: Headers<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Headers<'a> {
    Wide(&'a [ProgramHeader64<Endianness>]),
    Narrow(&'a [ProgramHeader32<Endianness>]),
}

/// A program header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: Kind,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
    pub(crate) align: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Load,
    Dynamic,
    Note,
    Other,
}

impl<'a> Elf<'a> {
    /// Parses what stands at the start of an image.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, NoElf> {
        match bytes.get(..5) {
            Some([0x7f, b'E', b'L', b'F', 2]) => Self::parse_wide(bytes),
            Some([0x7f, b'E', b'L', b'F', 1]) => Self::parse_narrow(bytes),
            Some(_) => Err(NoElf::Wrong),
            None => Err(NoElf::Short(size_of::<FileHeader64<Endianness>>())),
        }
    }

    fn parse_wide(bytes: &'a [u8]) -> Result<Self, NoElf> {
        type Header = FileHeader64<Endianness>;
        let header = Header::parse(bytes).map_err(|_| short(bytes, size_of::<Header>()))?;
        let endian = header.endian().map_err(|_| NoElf::Wrong)?;
        let end = header_end(
            header.e_phoff(endian),
            header.e_phentsize(endian),
            header.e_phnum.get(endian),
        )?;
        let headers = header
            .program_headers(endian, bytes)
            .map_err(|_| short(bytes, end))?;
        Ok(Elf {
            words: Words::new(true, endian),
            entry: header.e_entry(endian),
            headers: Headers::Wide(headers),
        })
    }

    fn parse_narrow(bytes: &'a [u8]) -> Result<Self, NoElf> {
        type Header = FileHeader32<Endianness>;
        let header = Header::parse(bytes).map_err(|_| short(bytes, size_of::<Header>()))?;
        let endian = header.endian().map_err(|_| NoElf::Wrong)?;
        let end = header_end(
            header.e_phoff(endian).into(),
            header.e_phentsize(endian),
            header.e_phnum.get(endian),
        )?;
        let headers = header
            .program_headers(endian, bytes)
            .map_err(|_| short(bytes, end))?;
        Ok(Elf {
            words: Words::new(false, endian),
            entry: header.e_entry(endian).into(),
            headers: Headers::Narrow(headers),
        })
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment> + use<'a> {
        let endian = self.words.endian;
        let headers = self.headers;
        let count = match headers {
            Headers::Wide(headers) => headers.len(),
            Headers::Narrow(headers) => headers.len(),
        };
        (0..count).filter_map(move |index| match headers {
            Headers::Wide(headers) => headers.get(index).map(|header| segment(header, endian)),
            Headers::Narrow(headers) => headers.get(index).map(|header| segment(header, endian)),
        })
    }

    pub(crate) fn loads(&self) -> impl Iterator<Item = Segment> + use<'a> {
        self.segments()
            .filter(|segment| segment.kind == Kind::Load && segment.memory_size > 0)
    }

    pub(crate) fn dynamic(&self) -> Option<Segment> {
        self.segments()
            .find(|segment| segment.kind == Kind::Dynamic)
    }

    pub(crate) fn notes(&self) -> impl Iterator<Item = Segment> + use<'a> {
        self.segments().filter(|segment| segment.kind == Kind::Note)
    }

    /// The addresses that the image asks for, first to last `PT_LOAD`, in whole pages.
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
    H: object::read::elf::ProgramHeader<Endian = Endianness>,
{
    Segment {
        kind: match header.p_type(endian) {
            PT_LOAD => Kind::Load,
            PT_DYNAMIC => Kind::Dynamic,
            PT_NOTE => Kind::Note,
            _ => Kind::Other,
        },
        offset: header.p_offset(endian).into(),
        vaddr: header.p_vaddr(endian).into(),
        file_size: header.p_filesz(endian).into(),
        memory_size: header.p_memsz(endian).into(),
        align: header.p_align(endian).into(),
    }
}

fn short(bytes: &[u8], needed: usize) -> NoElf {
    match bytes.len() < needed {
        true => NoElf::Short(needed),
        false => NoElf::Wrong,
    }
}

fn header_end(offset: u64, size: u16, count: u16) -> Result<usize, NoElf> {
    offset
        .checked_add(u64::from(size) * u64::from(count))
        .and_then(|end| end.try_into().ok())
        .ok_or(NoElf::Wrong)
}

/// Where a header says that its program headers are, and how many bytes they take.
pub(crate) fn program_headers(bytes: &[u8]) -> Option<(u64, usize)> {
    fn of<H>(bytes: &[u8]) -> Option<(u64, usize)>
    where
        H: object::read::elf::FileHeader<Endian = Endianness>,
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

/// Has a header say that its program headers are elsewhere. `None`: it has no room to say so.
pub(crate) fn move_program_headers(bytes: &mut [u8], to: u32) -> Option<()> {
    let place = match *bytes.get(5)? {
        2 => to.to_be_bytes(),
        _ => to.to_le_bytes(),
    };
    // e_phoff, of 8 bytes or of 4; in the wide one the half that counts is last in big endian.
    let (start, half) = match bytes[4] {
        2 if bytes[5] == 2 => (32, 36),
        2 => (32, 32),
        _ => (28, 28),
    };
    let end = if bytes[4] == 2 { 40 } else { 32 };
    bytes.get_mut(start..end)?.fill(0);
    bytes.get_mut(half..half + 4)?.copy_from_slice(&place);
    Some(())
}

/// The build id among the notes of a `PT_NOTE` segment.
pub(crate) fn build_id(words: Words, align: u64, notes: &[u8]) -> Option<&[u8]> {
    // The layout of notes is the same in both classes.
    type Header = FileHeader64<Endianness>;
    // Alignments below 4 are written by tools that mean 4.
    let align = if align <= 4 { 4 } else { align };
    let mut notes = NoteIterator::<Header>::new(words.endian, align, notes).ok()?;
    while let Ok(Some(note)) = notes.next() {
        if note.name() == b"GNU" && note.n_type(words.endian) == NT_GNU_BUILD_ID {
            return Some(note.desc()).filter(|id| !id.is_empty());
        }
    }
    None
}

/// What this project uses of a dynamic section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dynamic {
    /// Where in the string table the image's own name is.
    pub(crate) soname: Option<u64>,
    /// The string table; in memory, some linkers have put its true address here.
    pub(crate) strtab: Option<u64>,
    pub(crate) strsz: Option<u64>,
    /// Where `r_debug` is, in the memory of a program that a dynamic linker has started.
    pub(crate) debug: Option<u64>,
}

pub(crate) fn dynamic(words: Words, section: &[u8]) -> Dynamic {
    let mut dynamic = Dynamic::default();
    let mut index = 0;
    while let (Some(tag), Some(value)) = (words.get(section, index), words.get(section, index + 1))
    {
        index += 2;
        let is = |wanted: object::elf::DynamicTag| i64::try_from(tag) == Ok(wanted.0);
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

    /// Writes images by the tables of the ELF specification.
    struct Writer {
        words: Words,
        bytes: Vec<u8>,
    }

    impl Writer {
        fn put(&mut self, value: u64, size: usize) {
            let little = value.to_le_bytes();
            match self.words.endian {
                Endianness::Little => self.bytes.extend_from_slice(&little[..size]),
                Endianness::Big => self.bytes.extend(little[..size].iter().rev()),
            }
        }

        fn word(&mut self, value: u64) {
            self.put(value, self.words.size());
        }
    }

    /// An image with program headers right behind its header.
    fn image(words: Words, entry: u64, segments: &[(u32, Segment)]) -> Vec<u8> {
        let wide = words.is_64_bit;
        let data = match words.endian {
            Endianness::Little => 1,
            Endianness::Big => 2,
        };
        let mut writer = Writer {
            words,
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

    fn segment(kind: Kind, vaddr: u64, size: u64) -> (u32, Segment) {
        let p_type = match kind {
            Kind::Load => 1,
            Kind::Dynamic => 2,
            Kind::Note => 4,
            Kind::Other => 0x6474_e551,
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

    fn all_words() -> impl Iterator<Item = Words> {
        [false, true].into_iter().flat_map(|is_64_bit| {
            [Endianness::Little, Endianness::Big].map(|endian| Words::new(is_64_bit, endian))
        })
    }

    #[test]
    fn headers_of_both_classes_and_orders_parse() {
        for words in all_words() {
            let segments = [
                segment(Kind::Other, 0, 0),
                segment(Kind::Load, 0x0804_8100, 0x1000),
                segment(Kind::Load, 0x0804_bf00, 0x101),
                segment(Kind::Dynamic, 0x0804_bf10, 0x90),
                segment(Kind::Note, 0x0804_8120, 0x24),
            ];
            let bytes = image(words, 0x0804_8200, &segments);
            let elf = Elf::parse(&bytes).unwrap();
            assert_eq!((elf.words, elf.entry), (words, 0x0804_8200));
            let expected: Vec<Segment> = segments.iter().map(|(_, segment)| *segment).collect();
            assert_eq!(elf.segments().collect::<Vec<_>>(), expected);
            // The last segment ends one byte into a page.
            assert_eq!(elf.extent(4096), Some((0x0804_8000, 0x0804_d000)));
            assert_eq!(elf.dynamic(), Some(expected[3]));
            assert_eq!(elf.notes().collect::<Vec<_>>(), [expected[4]]);
        }
    }

    #[test]
    fn a_cut_header_says_what_it_needs() {
        for words in all_words() {
            let bytes = image(
                words,
                0,
                &[segment(Kind::Load, 0, 1), segment(Kind::Load, 9, 1)],
            );
            for length in 0..bytes.len() {
                match Elf::parse(&bytes[..length]).unwrap_err() {
                    NoElf::Short(needed) => {
                        assert!(needed > length && needed <= bytes.len().max(64))
                    }
                    NoElf::Wrong => panic!("cut at {length}"),
                }
            }
            assert!(Elf::parse(&bytes).is_ok());
        }
    }

    #[test]
    fn what_is_no_image_is_told() {
        assert_eq!(Elf::parse(b"#!/bin/sh\n").unwrap_err(), NoElf::Wrong);
        assert_eq!(Elf::parse(b"\x7fELF\x03").unwrap_err(), NoElf::Wrong);
        assert_eq!(Elf::parse(&[0; 64]).unwrap_err(), NoElf::Wrong);
        let words = Words::new(true, Endianness::Little);
        let wraps = [segment(Kind::Load, u64::MAX - 8, 9)];
        let bytes = image(words, 0, &wraps);
        assert_eq!(Elf::parse(&bytes).unwrap().extent(4096), None);
        assert_eq!(
            Elf::parse(&image(words, 0, &[])).unwrap().extent(4096),
            None
        );
        // Program headers that would lie beyond all addresses.
        let mut bytes = image(words, 0, &wraps);
        bytes[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(Elf::parse(&bytes).unwrap_err(), NoElf::Wrong);
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let words = Words::new(true, Endianness::Little);
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
        let wanted = note(3, b"GNU\0", &[0xab, 0xcd, 0xef]);
        let others = [
            note(1, b"GNU\0", &[9; 16]),
            note(3, b"Go\0\0", &[7; 8]),
            note(3, b"", &[7; 8]),
        ];
        let notes = [others.concat(), wanted.clone()].concat();
        assert_eq!(build_id(words, 4, &notes), Some(&[0xab, 0xcd, 0xef][..]));
        assert_eq!(build_id(words, 0, &notes), Some(&[0xab, 0xcd, 0xef][..]));
        assert_eq!(build_id(words, 4, &others.concat()), None);
        assert_eq!(build_id(words, 4, &note(3, b"GNU\0", &[])), None);
        for end in 0..wanted.len() - 1 {
            assert_eq!(build_id(words, 4, &wanted[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn program_headers_may_be_moved() {
        for words in all_words() {
            let mut bytes = image(words, 0x40, &[segment(Kind::Load, 7, 9)]);
            let (offset, size) = program_headers(&bytes).unwrap();
            let place = bytes.len() as u32;
            bytes.extend_from_within(offset as usize..offset as usize + size);
            bytes[offset as usize..][..size].fill(0);
            move_program_headers(&mut bytes, place).unwrap();
            assert_eq!(program_headers(&bytes), Some((place.into(), size)));
            let elf = Elf::parse(&bytes).unwrap();
            assert_eq!((elf.entry, elf.loads().count()), (0x40, 1));
            assert_eq!(move_program_headers(&mut bytes[..20], place), None);
        }
    }

    #[test]
    fn dynamic_entries_end_at_the_null() {
        for words in all_words() {
            let mut writer = Writer {
                words,
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
            assert_eq!(dynamic(words, &writer.bytes), expected);
            assert_eq!(
                dynamic(words, &writer.bytes[..words.size() * 3]),
                Dynamic::default()
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_parse_to_something(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            explore(&bytes);
            for words in all_words() {
                dynamic(words, &bytes);
                for align in [0, 3, 4, 8, u64::MAX] {
                    build_id(words, align, &bytes);
                }
            }
        }

        #[test]
        fn damage_to_a_true_header_breaks_nothing(
            which in 0..4usize,
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let words = all_words().nth(which).unwrap();
            let segments = [segment(Kind::Load, 0, 99), segment(Kind::Note, 9, 36), segment(Kind::Dynamic, 7, 16)];
            let mut bytes = image(words, 0x200, &segments);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            explore(&bytes);
        }
    }

    fn explore(bytes: &[u8]) {
        if let Ok(elf) = Elf::parse(bytes) {
            elf.extent(4096);
            elf.dynamic();
            elf.notes().count();
        }
    }
}
