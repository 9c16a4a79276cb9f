//! The sections of an ELF file: where its symbols and debug information are.

use std::fs::File;
use std::os::fd::OwnedFd;

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, SHT_NOBITS, SectionFlags, SectionType};
use object::read::ReadCache;
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::write::elf::FileHeader;

use crate::sys::linux::elf::header::{self, ElfEncoding};
use crate::sys::linux::elf::source::read_file;

/// A section with content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: SectionType,
    pub(crate) flags: SectionFlags,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) entry_size: u64,
}

/// The sections with content in a file. A separate debug file also has sections without content.
#[derive(Debug)]
pub(crate) struct Sections {
    pub(crate) is_64_bit: bool,
    pub(crate) endian: Endianness,
    pub(crate) header: FileHeader,
    sections: Vec<Section>,
}

/// The name and checksum of a separate debug file, from `.gnu_debuglink`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DebugLink {
    pub(crate) name: Vec<u8>,
    /// The CRC-32 of the whole debug file.
    pub(crate) checksum: u32,
}

impl Sections {
    /// Reads the section headers of a file; `None` if it is not a valid ELF file.
    pub(crate) fn read(file: &OwnedFd) -> Option<Self> {
        let data = ReadCache::new(File::from(file.try_clone().ok()?));
        match FileHeader64::<Endianness>::parse(&data) {
            Ok(header) => Self::read_as(header, &data),
            Err(_) => Self::read_as(FileHeader32::<Endianness>::parse(&data).ok()?, &data),
        }
    }

    fn read_as<H>(header: &H, data: &ReadCache<File>) -> Option<Self>
    where
        H: object::read::elf::FileHeader<Endian = Endianness>,
    {
        let endian = header.endian().ok()?;
        let table = header.sections(endian, data).ok()?;
        let sections = table
            .iter()
            .filter(|section| section.sh_type(endian) != SHT_NOBITS)
            .filter_map(|section| {
                Some(Section {
                    name: table.section_name(endian, section).ok()?.to_vec(),
                    kind: section.sh_type(endian),
                    flags: section.sh_flags(endian),
                    offset: section.sh_offset(endian).into(),
                    size: section.sh_size(endian).into(),
                    entry_size: section.sh_entsize(endian).into(),
                })
            });
        Some(Sections {
            is_64_bit: header.is_type_64(),
            endian,
            header: FileHeader::from_raw(endian, header),
            sections: sections.collect(),
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<&Section> {
        self.iter().find(|section| section.name == name)
    }

    /// Returns true if the file has all symbols, not only those that other modules can use.
    pub(crate) fn has_symbol_table(&self) -> bool {
        self.find(b".symtab").is_some()
    }

    /// Returns true if the file has all symbols, possibly compressed.
    pub(crate) fn has_all_symbols(&self) -> bool {
        self.has_symbol_table() || self.find(b".gnu_debugdata").is_some() || self.has_debug_info()
    }

    /// Returns true if the file has debug information.
    pub(crate) fn has_debug_info(&self) -> bool {
        self.find(b".debug_info").is_some() || self.find(b".zdebug_info").is_some()
    }

    /// Returns the build id in the note section that linkers write.
    pub(crate) fn build_id(&self, file: &OwnedFd) -> Option<Vec<u8>> {
        let notes = self.find(b".note.gnu.build-id")?.read(file)?;
        let encoding = ElfEncoding::new(self.is_64_bit, self.endian);
        header::build_id(encoding, 4, &notes).map(<[u8]>::to_vec)
    }

    pub(crate) fn debug_link(&self, file: &OwnedFd) -> Option<DebugLink> {
        let content = self.find(b".gnu_debuglink")?.read(file)?;
        let end = memchr::memchr(0, &content)?;
        // The checksum follows the name's NUL, at the next multiple of 4 bytes.
        let checksum = content
            .get((end + 1).next_multiple_of(4)..)?
            .first_chunk()?;
        let name = &content[..end];
        (!name.is_empty() && !name.contains(&b'/')).then(|| DebugLink {
            name: name.to_vec(),
            checksum: match self.endian {
                Endianness::Little => u32::from_le_bytes(*checksum),
                Endianness::Big => u32::from_be_bytes(*checksum),
            },
        })
    }
}

impl Section {
    /// Reads the content; `None` if the file is shorter.
    pub(crate) fn read(&self, file: &OwnedFd) -> Option<Vec<u8>> {
        let end = self.offset.checked_add(self.size)?;
        let length = rustix::fs::fstat(file).ok()?.st_size;
        if end > u64::try_from(length).ok()? {
            return None;
        }
        let mut content = vec![0; usize::try_from(self.size).ok()?];
        (read_file(file, self.offset, &mut content) == content.len()).then_some(content)
    }
}
