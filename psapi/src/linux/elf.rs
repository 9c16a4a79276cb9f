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
        let start = self.loads().map(|load| load.vaddr).min()?;
        let end = self
            .loads()
            .map(|load| load.vaddr.checked_add(load.memory_size))
            .try_fold(0, |last, end| Some(last.max(end?)))?;
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
