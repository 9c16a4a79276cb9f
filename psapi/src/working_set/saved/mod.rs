//! Working sets saved to files, in the format that `docs/snapshot-format.md` defines.
//!
//! A file is a header, a body in CBOR and a checksum. This module handles header and checksum;
//! `encode` and `decode` handle the body.

mod access;
mod decode;
mod encode;

use std::io::{self, Read, Write};

use minicbor::Encoder;

use super::WorkingSet;
use crate::error::{Error, ErrorCause, Result, SourceError};

/// The first bytes of each file. No text file starts with them, and a transfer that converts line
/// ends destroys them.
const MAGIC: [u8; 8] = *b"\x89PSWS\r\n\x1a";

/// The format version that is written, and the newest that can be read.
const FORMAT: u32 = 1;

/// The length of the header: magic, format version and length of the body.
const HEADER: usize = MAGIC.len() + size_of::<u32>() + size_of::<u64>();

/// The length of the checksum at the end.
const CHECKSUM: u64 = size_of::<u32>() as u64;

const NOT_A_WORKING_SET: ErrorCause = ErrorCause::Malformed("the file is not a saved working set");
const TRUNCATED: ErrorCause = ErrorCause::Malformed("the file is truncated");

impl WorkingSet {
    /// Writes the working set in the format that `docs/snapshot-format.md` defines. A run takes
    /// three bytes or a few more.
    ///
    /// [`read_from`](Self::read_from) reads it back, later or on another machine.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let set = me.working_set()?;
    /// let mut file = Vec::new();
    /// set.write_to(&mut file)?;
    /// assert_eq!(psapi::WorkingSet::read_from(&file[..])?, set);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of the writer.
    pub fn write_to(&self, mut to: impl Write) -> io::Result<()> {
        let mut file = vec![0; HEADER];
        encode::encode(self, &mut Encoder::new(&mut file)).map_err(io::Error::other)?;
        let length = (file.len() - HEADER) as u64;
        file[..8].copy_from_slice(&MAGIC);
        file[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        file[12..HEADER].copy_from_slice(&length.to_le_bytes());
        let checksum = crc32fast::hash(&file);
        file.extend_from_slice(&checksum.to_le_bytes());
        to.write_all(&file)?;
        to.flush()
    }

    /// Reads a working set that [`write_to`](Self::write_to) wrote, and no byte after it. It can
    /// come from another machine, with another page size.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if the input is not a saved working
    ///   set, or is truncated or damaged.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) if a newer version wrote it.
    /// - [`ErrorKind::Os`](crate::ErrorKind::Os) if the reader fails.
    pub fn read_from(from: impl Read) -> Result<WorkingSet> {
        read(from).map_err(|cause| {
            Error::new("saved working set", None, SourceError::new("", cause), None)
        })
    }

    /// The length of the header.
    #[cfg(all(any(test, fuzzing), target_os = "linux", not(psapi_stub)))]
    pub(crate) const HEADER: usize = HEADER;

    /// Decodes a body without header and checksum.
    #[cfg(all(any(test, fuzzing), target_os = "linux", not(psapi_stub)))]
    pub(crate) fn from_body(body: &[u8]) -> Result<WorkingSet, &'static str> {
        decode::decode(body)
    }
}

fn read(mut from: impl Read) -> Result<WorkingSet, ErrorCause> {
    // The magic alone is read first, so that a foreign file is recognized even if it is short.
    let mut file = Vec::with_capacity(HEADER);
    read_exactly(&mut from, &mut file, MAGIC.len() as u64)?;
    if file != MAGIC {
        return Err(NOT_A_WORKING_SET);
    }
    read_exactly(&mut from, &mut file, (HEADER - MAGIC.len()) as u64)?;
    let header = &file[MAGIC.len()..];
    let (format, rest) = header.split_first_chunk().ok_or(TRUNCATED)?;
    let (length, _) = rest.split_first_chunk().ok_or(TRUNCATED)?;
    let (format, length) = (u32::from_le_bytes(*format), u64::from_le_bytes(*length));
    if format > FORMAT {
        return Err(ErrorCause::NewerFormat {
            found: format,
            known: FORMAT,
        });
    }
    read_exactly(&mut from, &mut file, length.saturating_add(CHECKSUM))?;
    let (content, checksum) = file.split_last_chunk().ok_or(TRUNCATED)?;
    if *checksum != crc32fast::hash(content).to_le_bytes() || format == 0 {
        return Err(ErrorCause::Malformed(
            "the file is damaged: its checksum does not match",
        ));
    }
    decode::decode(&content[HEADER..]).map_err(ErrorCause::Malformed)
}

/// Appends `length` bytes from a reader to a buffer.
///
/// The buffer grows with the bytes that arrive, because a damaged file can claim any length.
fn read_exactly(from: &mut impl Read, into: &mut Vec<u8>, length: u64) -> Result<(), ErrorCause> {
    let read = from
        .take(length)
        .read_to_end(into)
        .map_err(ErrorCause::Io)?;
    if read as u64 == length {
        Ok(())
    } else if into.is_empty() {
        Err(ErrorCause::Malformed("the file is empty"))
    } else if into.len() < MAGIC.len() && !MAGIC.starts_with(into) {
        Err(NOT_A_WORKING_SET)
    } else {
        Err(TRUNCATED)
    }
}

#[cfg(test)]
mod tests {
    use crate::start_time::StartTime;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::error::ErrorKind;
    use crate::mapping::{Backing, FileId, Mapping};
    use crate::page::{Page, PageAttributes, Shares};
    use crate::process_id::ProcessId;
    use crate::sys::os_str;
    use crate::working_set::identity::Identity;
    use crate::working_set::run::Run;

    fn mapping(start: u64, end: u64, backing: Backing) -> Mapping {
        Mapping {
            start,
            end,
            readable: true,
            writable: end.is_multiple_of(0x20000),
            executable: false,
            shared: matches!(backing, Backing::SysV { .. }),
            // Windows reports no offsets.
            offset: (backing != Backing::PagefileSection).then_some(start / 2),
            file: matches!(backing, Backing::File { .. }).then_some(FileId {
                major: 253,
                minor: 1 << 20,
                inode: u64::MAX,
            }),
            backing,
        }
    }

    /// Returns a working set with every kind of item, from a machine with pages of 64 KiB.
    fn sample() -> WorkingSet {
        let bytes = |text: &[u8]| os_str(text).to_owned();
        let name = Some(bytes(b"na\xffme"));
        let backings = [
            Backing::File {
                path: bytes(b"/a\n\xff").into(),
                deleted: true,
            },
            Backing::Memfd { name: bytes(b"") },
            Backing::SysV { key: u32::MAX },
            Backing::SharedAnonymous {
                name: name.clone(),
                hugetlb: false,
            },
            Backing::SharedAnonymous {
                name: None,
                hugetlb: true,
            },
            Backing::Anonymous {
                name,
                hugetlb: false,
            },
            Backing::Anonymous {
                name: None,
                hugetlb: true,
            },
            Backing::Heap,
            Backing::Stack,
            Backing::Vdso,
            Backing::Kernel {
                name: bytes(b"[vvar]"),
            },
            Backing::PagefileSection,
        ];
        let mappings: Vec<Mapping> = backings
            .into_iter()
            .zip(1..)
            .map(|(backing, at)| mapping(at << 40, (at << 40) + (at << 20), backing))
            .collect();
        let page = |attributes, shares, node| Page {
            attributes,
            node,
            shares,
        };
        let here = PageAttributes::RESIDENT;
        let kinds = [
            page(here, Shares::NONE, 0),
            page(here | PageAttributes::FILE, Shares::MORE_THAN_ONE, 3),
            page(PageAttributes::SWAPPED, Shares::NONE, Page::NO_NODE),
            page(PageAttributes::all(), Shares::exactly(u64::MAX), 1023),
        ];
        let mut runs = Vec::new();
        for (at, &kind) in kinds.iter().enumerate() {
            runs.push(Run::new(
                (1 << 40) + ((at as u64 * 3) << 16),
                1 + at as u32,
                0,
                kind,
            ));
        }
        runs.push(Run::new(8 << 40, 128, 7, kinds[1]));
        let counted_by_windows = page(here | PageAttributes::FILE, Shares::SEVEN_OR_MORE, 3);
        runs.push(Run::new(9 << 40, 1, 8, counted_by_windows));
        WorkingSet {
            identity: Identity {
                process: ProcessId::new(4_194_304),
                start: StartTime::new(-(1 << 40), 999_999_999),
                boot: Some([7; 16]),
                name: bytes(b"a) \xff"),
            },
            taken_at: SystemTime::UNIX_EPOCH - Duration::new(5, 1),
            page_size: 1 << 16,
            mappings,
            runs,
            known: PageAttributes::all() - PageAttributes::GUARD,
        }
    }

    fn saved(set: &WorkingSet) -> Vec<u8> {
        let mut file = Vec::new();
        set.write_to(&mut file).unwrap();
        file
    }

    fn read_error(file: &[u8]) -> (ErrorKind, String) {
        let error = WorkingSet::read_from(file).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn read_from_restores_saved_set_only() {
        let set = sample();
        let mut file = saved(&set);
        file.extend(saved(&set));
        file.extend(b"rest");
        let mut rest = &file[..];
        for _ in 0..2 {
            assert_eq!(WorkingSet::read_from(&mut rest).unwrap(), set);
        }
        assert_eq!(rest, b"rest");
        let mut unknown = set;
        unknown.identity.boot = None;
        unknown.taken_at = SystemTime::UNIX_EPOCH + Duration::new(1 << 39, 500);
        assert_eq!(
            WorkingSet::read_from(&saved(&unknown)[..]).unwrap(),
            unknown
        );
    }

    #[test]
    fn read_from_rejects_corrupt_files() {
        let file = saved(&sample());
        for length in 1..file.len() {
            let (kind, message) = read_error(&file[..length]);
            assert_eq!(kind, ErrorKind::Malformed);
            assert!(
                message.ends_with("the file is truncated"),
                "{length}: {message}"
            );
        }
        assert!(read_error(b"").1.ends_with("the file is empty"));
        for foreign in [
            &b"\x7fELF"[..],
            b"START,END\n1,2\n",
            b"\x89PNG\r\n\x1a\n....",
        ] {
            let (kind, message) = read_error(foreign);
            assert_eq!(kind, ErrorKind::Malformed);
            assert!(message.contains("not a saved working set"), "{message}");
        }
        for at in 12..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            let (kind, message) = read_error(&damaged);
            assert_eq!(kind, ErrorKind::Malformed, "{message}");
        }
    }

    #[test]
    fn newer_format_is_not_supported() {
        let mut file = saved(&sample());
        file[8..12].copy_from_slice(&7_u32.to_le_bytes());
        let (kind, message) = read_error(&file);
        assert_eq!(kind, ErrorKind::NotSupported);
        assert!(message.contains("newer version"), "{message}");
        assert!(message.contains("format 7"), "{message}");
        assert!(message.contains("up to 1"), "{message}");
    }

    #[test]
    fn claimed_lengths_are_not_allocated() {
        let mut file = saved(&sample());
        file[12..HEADER].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read_error(&file).1.ends_with("the file is truncated"));
        // A body that claims 2^64 - 1 mappings.
        let body = &saved(&sample())[HEADER..];
        let list = body
            .windows(2)
            .position(|bytes| bytes == [0x8c, 0x86])
            .unwrap();
        let mut huge = body[..list].to_vec();
        huge.extend([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        huge.extend(&body[list + 1..]);
        assert!(decode::decode(&huge).is_err());
    }

    #[test]
    fn read_from_rejects_invalid_structure() {
        let broken = |change: fn(&mut WorkingSet)| {
            let mut set = sample();
            change(&mut set);
            read_error(&saved(&set)).1
        };
        let outside = broken(|set| set.runs[4] = Run::new(8 << 40, 129, 7, set.runs[4].page()));
        assert!(outside.contains("outside of its mapping"), "{outside}");
        let no_pages = broken(|set| set.runs[4] = Run::new(8 << 40, 0, 7, set.runs[4].page()));
        assert!(no_pages.contains("outside of its mapping"), "{no_pages}");
        let odd = broken(|set| set.mappings[10].end += 1);
        assert!(odd.contains("not aligned to pages"), "{odd}");
        let empty = broken(|set| set.mappings[10].end = set.mappings[10].start);
        assert!(empty.contains("empty or out of range"), "{empty}");
        let size = broken(|set| set.page_size = 0x1800);
        assert!(size.contains("invalid page size"), "{size}");
    }

    #[test]
    fn reader_error_is_reported() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("connection lost"))
            }
        }
        let error = WorkingSet::read_from(Failing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Os);
        assert!(error.to_string().contains("connection lost"), "{error}");
    }
}
