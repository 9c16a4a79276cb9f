//! The headers of a PE image, as `winnt.h` declares them: `IMAGE_DOS_HEADER`, `IMAGE_NT_HEADERS`
//! and the directories that they lead to.
//!
//! All positions are distances from the base of the mapped image. The process can overwrite its
//! headers, so each of them can be anything.

use super::reader::{Reader, Width};

/// The number of bytes at the start of an image that are enough for the headers of every linker.
pub(crate) const SIZE: usize = 0x1000;

/// What the headers say of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImageHeaders {
    /// The size of addresses: that of `IMAGE_OPTIONAL_HEADER32` or `IMAGE_OPTIONAL_HEADER64`.
    pub(crate) width: Width,
    /// The distance of the entry point; 0 without one.
    pub(crate) entry_point: u32,
    pub(crate) size: u32,
    /// `IMAGE_DIRECTORY_ENTRY_EXPORT`.
    pub(crate) exports: Directory,
    /// `IMAGE_DIRECTORY_ENTRY_DEBUG`.
    pub(crate) debug: Directory,
}

/// `IMAGE_DATA_DIRECTORY`; empty if the image has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Directory {
    pub(crate) address: u32,
    pub(crate) size: u32,
}

impl ImageHeaders {
    /// Parses the headers at the start of an image; `None` if they are none, or truncated.
    pub(crate) fn parse(image: &[u8]) -> Option<Self> {
        const E_LFANEW: usize = 0x3C;
        const IMAGE_FILE_HEADER: usize = 20;
        const IMAGE_NT_OPTIONAL_HDR32_MAGIC: u16 = 0x10B;
        const IMAGE_NT_OPTIONAL_HDR64_MAGIC: u16 = 0x20B;
        let at = |bytes: &'_ [u8], offset: usize| {
            Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
        };
        let nt = image.starts_with(b"MZ").then(|| at(image, E_LFANEW))??;
        let nt = image.get(nt as usize..)?.strip_prefix(b"PE\0\0")?;
        let optional = nt.get(IMAGE_FILE_HEADER..)?;
        let magic = u16::from_le_bytes(*optional.first_chunk()?);
        let (width, directories) = match magic {
            IMAGE_NT_OPTIONAL_HDR32_MAGIC => (Width::Bits32, 96),
            IMAGE_NT_OPTIONAL_HDR64_MAGIC => (Width::Bits64, 112),
            _ => return None,
        };
        let count = at(optional, directories - 4)?;
        let directory = |index: u32| {
            let offset = directories + 8 * index as usize;
            let found = (index < count).then(|| (at(optional, offset), at(optional, offset + 4)));
            match found {
                Some((Some(address), Some(size))) => Directory { address, size },
                _ => Directory::default(),
            }
        };
        Some(ImageHeaders {
            width,
            entry_point: at(optional, 16)?,
            size: at(optional, 56)?,
            exports: directory(0),
            debug: directory(6),
        })
    }
}

/// The size of `IMAGE_EXPORT_DIRECTORY` up to the position of the name.
pub(crate) const EXPORT_DIRECTORY_SIZE: usize = 16;

/// Returns the position of the image's own name, from `IMAGE_EXPORT_DIRECTORY`.
pub(crate) fn export_name(directory: &[u8]) -> Option<u32> {
    let name = directory.get(12..16)?.first_chunk()?;
    Some(u32::from_le_bytes(*name)).filter(|&name| name != 0)
}

/// The size of `IMAGE_DEBUG_DIRECTORY`, of which an image has an array.
pub(crate) const DEBUG_DIRECTORY_SIZE: usize = 28;

/// Returns the position and size of the CodeView record, from `IMAGE_DEBUG_DIRECTORY`; `None` if
/// the entry is for debug information of another type.
pub(crate) fn codeview(entry: &[u8]) -> Option<Directory> {
    const IMAGE_DEBUG_TYPE_CODEVIEW: u32 = 2;
    let mut fields = Reader::new(entry, Width::Bits32);
    let _characteristics = fields.u32()?;
    let _time = fields.u32()?;
    let _version = fields.u32()?;
    let kind = fields.u32()?;
    let (size, address) = (fields.u32()?, fields.u32()?);
    (kind == IMAGE_DEBUG_TYPE_CODEVIEW).then_some(Directory { address, size })
}

/// The size of a CodeView record up to the path of the symbol file.
pub(crate) const CODEVIEW_SIZE: usize = 24;

/// Returns the GUID and the age from a CodeView record, in the order in which symbol servers print
/// them.
pub(crate) fn build_id(record: &[u8]) -> Option<Vec<u8>> {
    let record = record.strip_prefix(b"RSDS")?;
    let (guid, age) = record.get(..20)?.split_at(16);
    // The first three fields of a GUID are numbers, and so is the age.
    let mut id = Vec::new();
    id.extend(guid[..4].iter().rev());
    id.extend(guid[4..6].iter().rev());
    id.extend(guid[6..8].iter().rev());
    id.extend(&guid[8..]);
    id.extend(age.iter().rev());
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the headers of an image with seven directories.
    fn image(width: Width) -> Vec<u8> {
        let (magic, directories) = match width {
            Width::Bits32 => (0x10B_u16, 96),
            Width::Bits64 => (0x20B, 112),
        };
        let mut image = vec![0; 0x400];
        let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
        let optional = 0x80 + 24;
        put(0, b"MZ");
        put(0x3C, &0x80_u32.to_le_bytes());
        put(0x80, b"PE\0\0");
        put(optional, &magic.to_le_bytes());
        put(optional + 16, &0x1234_u32.to_le_bytes());
        put(optional + 56, &0x9000_u32.to_le_bytes());
        put(optional + directories - 4, &7_u32.to_le_bytes());
        put(optional + directories, &[0, 0x50, 0, 0, 0x60]);
        put(optional + directories + 48, &[0, 0x70, 0, 0, 28]);
        image
    }

    #[test]
    fn parses_headers_of_both_widths() {
        for width in [Width::Bits32, Width::Bits64] {
            let expected = ImageHeaders {
                width,
                entry_point: 0x1234,
                size: 0x9000,
                exports: Directory {
                    address: 0x5000,
                    size: 0x60,
                },
                debug: Directory {
                    address: 0x7000,
                    size: 28,
                },
            };
            assert_eq!(ImageHeaders::parse(&image(width)), Some(expected));
        }
    }

    #[test]
    fn missing_directories_are_empty() {
        let mut few = image(Width::Bits64);
        few[0x98 + 108] = 6;
        let headers = ImageHeaders::parse(&few).unwrap();
        assert_eq!(headers.exports.address, 0x5000);
        assert_eq!(headers.debug, Directory::default());
    }

    #[test]
    fn damaged_headers_are_none() {
        let whole = image(Width::Bits64);
        for length in 0..0x98 + 112 {
            assert_eq!(ImageHeaders::parse(&whole[..length]), None, "{length:#x}");
        }
        for at in [0, 0x3C, 0x3F, 0x80, 0x98] {
            let mut damaged = whole.clone();
            damaged[at] = 0xEE;
            assert_eq!(ImageHeaders::parse(&damaged), None, "{at:#x}");
        }
    }

    #[test]
    fn codeview_record_has_its_type() {
        let mut entry = [0; DEBUG_DIRECTORY_SIZE];
        entry[12] = 2;
        entry[16] = 33;
        entry[21] = 0x20;
        let expected = Directory {
            address: 0x2000,
            size: 33,
        };
        assert_eq!(codeview(&entry), Some(expected));
        assert_eq!(codeview(&entry[..23]), None);
        entry[12] = 1;
        assert_eq!(codeview(&entry), None);
    }

    #[test]
    fn build_id_is_guid_and_age() {
        let mut record = b"RSDS".to_vec();
        record.extend(1..=16);
        record.extend([2, 0, 0, 0]);
        record.extend(b"program.pdb\0");
        let id = [
            4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 2,
        ];
        assert_eq!(build_id(&record), Some(id.to_vec()));
        assert_eq!(build_id(&record[..23]), None);
        assert_eq!(build_id(b"NB10"), None);
    }

    #[test]
    fn export_name_is_position() {
        let mut directory = [0; EXPORT_DIRECTORY_SIZE];
        assert_eq!(export_name(&directory), None);
        directory[13] = 0x51;
        assert_eq!(export_name(&directory), Some(0x5100));
        assert_eq!(export_name(&directory[..15]), None);
    }
}
