//! Working sets as files. `docs/snapshot-format.md` tells the format.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::time::{Duration, SystemTime};

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::WorkingSet;
use super::identity::Identity;
use super::run::{Page, PageAttributes, Run, ShareCount, Shares};
use crate::error::{Cause, Refusal, Result};
use crate::linux::maps::Access;
use crate::mapping::{Backing, FileId, Mapping};
use crate::process::ProcessId;

/// What each file begins with. No text does, and what is sent as text loses its line ends.
const MAGIC: [u8; 8] = *b"\x89PSWS\r\n\x1a";

/// The format that is written, and the newest that is read.
const FORMAT: u32 = 1;

/// The magic, the format, and the length of the body.
const HEAD: usize = MAGIC.len() + size_of::<u32>() + size_of::<u64>();

impl WorkingSet {
    /// Saves it, to be [read](Self::read_from) later or on another machine, in the format that
    /// `docs/snapshot-format.md` tells: 3 bytes a run or a few more.
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
    /// Those of the writer.
    pub fn write_to(&self, mut to: impl Write) -> io::Result<()> {
        let mut file = vec![0; HEAD];
        encode(self, &mut Encoder::new(&mut file)).map_err(io::Error::other)?;
        let length = (file.len() - HEAD) as u64;
        file[..8].copy_from_slice(&MAGIC);
        file[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        file[12..HEAD].copy_from_slice(&length.to_le_bytes());
        let checksum = crc32fast::hash(&file);
        file.extend_from_slice(&checksum.to_le_bytes());
        to.write_all(&file)?;
        to.flush()
    }

    /// Reads what [`write_to`](Self::write_to) saved, and nothing behind it. It may be of another
    /// machine, with pages of another size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where it is something else, cut off
    /// or damaged; [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) where a newer
    /// version has written it; [`ErrorKind::Os`](crate::ErrorKind::Os) for what the reader says.
    pub fn read_from(from: impl Read) -> Result<WorkingSet> {
        read(from).map_err(|cause| Refusal::new("", cause).of_system("saved working set"))
    }

    /// How long what comes before the body is.
    #[cfg(any(test, fuzzing))]
    pub(crate) const HEAD: usize = HEAD;

    /// What a body alone says.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn from_body(body: &[u8]) -> Result<WorkingSet, &'static str> {
        decode(body)
    }
}

fn read(mut from: impl Read) -> Result<WorkingSet, Cause> {
    let mut file = Vec::with_capacity(HEAD);
    take(&mut from, &mut file, MAGIC.len() as u64)?;
    if file != MAGIC {
        return Err(Cause::Malformed("it is no snapshot of a working set"));
    }
    take(&mut from, &mut file, (HEAD - MAGIC.len()) as u64)?;
    let head = &file[MAGIC.len()..];
    let (format, rest) = head.split_first_chunk().ok_or(CUT_OFF)?;
    let (length, _) = rest.split_first_chunk().ok_or(CUT_OFF)?;
    let (format, length) = (u32::from_le_bytes(*format), u64::from_le_bytes(*length));
    if format > FORMAT {
        return Err(Cause::NewerFormat {
            found: format,
            known: FORMAT,
        });
    }
    take(&mut from, &mut file, length.saturating_add(CHECKSUM))?;
    let (content, checksum) = file.split_last_chunk().ok_or(CUT_OFF)?;
    if *checksum != crc32fast::hash(content).to_le_bytes() || format == 0 {
        return Err(Cause::Malformed("it is damaged: its checksum is wrong"));
    }
    decode(&content[HEAD..]).map_err(Cause::Malformed)
}

/// The length of the checksum at the end.
const CHECKSUM: u64 = size_of::<u32>() as u64;

const CUT_OFF: Cause = Cause::Malformed("it is cut off");

/// Reads so much more. The memory for it is taken as it comes, whatever the length promises.
fn take(from: &mut impl Read, into: &mut Vec<u8>, length: u64) -> Result<(), Cause> {
    let read = from.take(length).read_to_end(into).map_err(Cause::Io)?;
    match read as u64 == length {
        true => Ok(()),
        false if into.is_empty() => Err(Cause::Malformed("it is empty")),
        false if into.len() < MAGIC.len() && !MAGIC.starts_with(into) => {
            Err(Cause::Malformed("it is no snapshot of a working set"))
        }
        false => Err(CUT_OFF),
    }
}

type Body<'v> = Encoder<&'v mut Vec<u8>>;
type Encoded = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn encode(set: &WorkingSet, body: &mut Body<'_>) -> Encoded {
    let Identity {
        process,
        start,
        boot,
        name,
    } = &set.identity;
    body.array(10)?
        .u64(set.page_size)?
        .u32(process.get())?
        .bytes(name.as_bytes())?;
    encode_time(*start, body)?;
    match boot {
        Some(boot) => body.bytes(boot)?,
        None => body.null()?,
    };
    encode_moment(set.taken, body)?;
    body.u16(set.known.bits())?;

    // Most pages are of a few kinds: a run names its kind by number.
    let mut numbers: HashMap<Page, u32> = HashMap::new();
    let mut kinds = Vec::new();
    for run in &set.runs {
        numbers.entry(run.page()).or_insert_with(|| {
            kinds.push(run.page());
            kinds.len() as u32 - 1
        });
    }
    body.array(kinds.len() as u64)?;
    for kind in &kinds {
        encode_kind(kind, body)?;
    }

    body.array(set.mappings.len() as u64)?;
    let mut end = 0;
    for mapping in &set.mappings {
        encode_mapping(mapping, end, body)?;
        end = mapping.end;
    }

    // The runs of each mapping, one mapping after the other, without the mappings that have none.
    let of_mappings = || set.runs.chunk_by(|a, b| a.mapping() == b.mapping());
    body.array(2 * of_mappings().count() as u64)?;
    let mut next_mapping = 0;
    for runs in of_mappings() {
        let mapping = runs[0].mapping();
        body.u64((mapping - next_mapping) as u64)?;
        next_mapping = mapping + 1;
        body.array(3 * runs.len() as u64)?;
        let mut end = set.mappings[mapping].start;
        for run in runs {
            body.u64((run.start() - end) / set.page_size)?
                .u32(run.pages())?
                .u32(numbers[&run.page()])?;
            end = run.start() + u64::from(run.pages()) * set.page_size;
        }
    }
    Ok(())
}

/// Seconds, and nanoseconds beyond them.
fn encode_time(time: Duration, body: &mut Body<'_>) -> Encoded {
    body.array(2)?
        .u64(time.as_secs())?
        .u32(time.subsec_nanos())?;
    Ok(())
}

/// Whether it is after 1970, and by how much it is after or before.
fn encode_moment(moment: SystemTime, body: &mut Body<'_>) -> Encoded {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH);
    body.array(2)?.bool(since.is_ok())?;
    encode_time(since.unwrap_or_else(|error| error.duration()), body)
}

fn encode_kind(page: &Page, body: &mut Body<'_>) -> Encoded {
    body.array(3)?.u16(page.attributes.bits())?;
    match page.node {
        Page::NO_NODE => body.null()?,
        node => body.u16(node)?,
    };
    match page.shares.count() {
        None => body.null()?,
        Some(ShareCount::Exactly(count)) => body.u32(count)?,
        Some(ShareCount::MoreThanOne) => body.bool(true)?,
    };
    Ok(())
}

fn encode_mapping(mapping: &Mapping, end_before: u64, body: &mut Body<'_>) -> Encoded {
    let mut access = Access::empty();
    access.set(Access::READ, mapping.readable);
    access.set(Access::WRITE, mapping.writable);
    access.set(Access::EXECUTE, mapping.executable);
    access.set(Access::SHARED, mapping.shared);
    body.array(6)?
        .u64(mapping.start - end_before)?
        .u64(mapping.size())?
        .u8(access.bits())?
        .u64(mapping.offset)?;
    match mapping.file {
        Some(file) => body
            .array(3)?
            .u32(file.major)?
            .u32(file.minor)?
            .u64(file.inode)?,
        None => body.null()?,
    };
    encode_backing(&mapping.backing, body)
}

fn encode_backing(backing: &Backing, body: &mut Body<'_>) -> Encoded {
    let named = |body: &mut Body<'_>, number, name: &Option<OsString>, hugetlb| {
        body.array(3)?.u8(number)?;
        match name {
            Some(name) => body.bytes(name.as_bytes())?,
            None => body.null()?,
        };
        body.bool(hugetlb)?;
        Ok(())
    };
    match backing {
        Backing::File { path, deleted } => body
            .array(3)?
            .u8(0)?
            .bytes(path.as_os_str().as_bytes())?
            .bool(*deleted)?,
        Backing::Memfd { name } => body.array(2)?.u8(1)?.bytes(name.as_bytes())?,
        Backing::SysV { key } => body.array(2)?.u8(2)?.u32(*key)?,
        Backing::SharedAnonymous { name, hugetlb } => return named(body, 3, name, *hugetlb),
        Backing::Anonymous { name, hugetlb } => return named(body, 4, name, *hugetlb),
        Backing::Heap => body.array(1)?.u8(5)?,
        Backing::Stack => body.array(1)?.u8(6)?,
        Backing::Vdso => body.array(1)?.u8(7)?,
        Backing::Kernel { name } => body.array(2)?.u8(8)?.bytes(name.as_bytes())?,
    };
    Ok(())
}

/// What a body says, or what is wrong with it.
fn decode(body: &[u8]) -> Result<WorkingSet, &'static str> {
    let mut items = Items(Decoder::new(body));
    items.array(10)?;
    let page_size = items.number()?;
    if !page_size.is_power_of_two() || page_size > LARGEST_PAGE {
        return Err("a page is not of that size");
    }
    let process = ProcessId::new(items.small()?);
    let name = items.text()?;
    let start = items.time()?;
    let boot = match items.is_null()? {
        true => None,
        false => Some(items.bytes()?.try_into().map_err(|_| NOT_AS_SAID)?),
    };
    let taken = items.moment()?;
    let known = items.attributes()?;

    let mut kinds = Vec::new();
    for _ in 0..items.list()? {
        kinds.push(items.kind()?);
    }
    let mut mappings = Vec::new();
    let mut end = 0;
    for _ in 0..items.list()? {
        let mapping = items.mapping(end)?;
        if !mapping.start.is_multiple_of(page_size) || !mapping.end.is_multiple_of(page_size) {
            return Err("a mapping does not begin and end with a page");
        }
        end = mapping.end;
        mappings.push(mapping);
    }
    let runs = items.runs(page_size, &mappings, &kinds)?;
    if items.0.position() != body.len() {
        return Err("something follows what it should hold");
    }
    Ok(WorkingSet {
        identity: Identity {
            process,
            start,
            boot,
            name,
        },
        taken,
        page_size,
        mappings,
        runs,
        known,
    })
}

/// Larger ones than any machine has.
const LARGEST_PAGE: u64 = 1 << 30;

const NOT_AS_SAID: &str = "it is not of the form that it should have";

/// The items of a body, one after the other. Nothing is taken to be as long as it says it is: lists
/// grow as their items come.
struct Items<'b>(Decoder<'b>);

impl<'b> Items<'b> {
    fn number(&mut self) -> Result<u64, &'static str> {
        self.0.u64().map_err(|_| NOT_AS_SAID)
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, &'static str> {
        self.number()?.try_into().map_err(|_| NOT_AS_SAID)
    }

    fn flag(&mut self) -> Result<bool, &'static str> {
        self.0.bool().map_err(|_| NOT_AS_SAID)
    }

    fn bytes(&mut self) -> Result<&'b [u8], &'static str> {
        self.0.bytes().map_err(|_| NOT_AS_SAID)
    }

    fn text(&mut self) -> Result<OsString, &'static str> {
        Ok(OsString::from_vec(self.bytes()?.to_vec()))
    }

    /// How many items a list has.
    fn list(&mut self) -> Result<u64, &'static str> {
        self.0.array().ok().flatten().ok_or(NOT_AS_SAID)
    }

    fn array(&mut self, length: u64) -> Result<(), &'static str> {
        (self.list()? == length).then_some(()).ok_or(NOT_AS_SAID)
    }

    fn is(&self, kind: Type) -> bool {
        self.0.datatype().is_ok_and(|found| found == kind)
    }

    /// Passes by that there is nothing, if it says so.
    fn is_null(&mut self) -> Result<bool, &'static str> {
        let is_null = self.is(Type::Null);
        if is_null {
            self.0.null().map_err(|_| NOT_AS_SAID)?;
        }
        Ok(is_null)
    }

    fn time(&mut self) -> Result<Duration, &'static str> {
        self.array(2)?;
        let (seconds, nanoseconds) = (self.number()?, self.small()?);
        let is_less_than_a_second = nanoseconds < 1_000_000_000;
        is_less_than_a_second
            .then(|| Duration::new(seconds, nanoseconds))
            .ok_or(NOT_AS_SAID)
    }

    fn moment(&mut self) -> Result<SystemTime, &'static str> {
        self.array(2)?;
        let (is_after, span) = (self.flag()?, self.time()?);
        let moment = match is_after {
            true => SystemTime::UNIX_EPOCH.checked_add(span),
            false => SystemTime::UNIX_EPOCH.checked_sub(span),
        };
        moment.ok_or("no clock can have shown the time that it was taken")
    }

    fn attributes(&mut self) -> Result<PageAttributes, &'static str> {
        let attributes = PageAttributes::from_bits(self.small()?);
        attributes.ok_or("pages have attributes that there are not")
    }

    fn kind(&mut self) -> Result<Page, &'static str> {
        self.array(3)?;
        let attributes = self.attributes()?;
        let node = match self.is_null()? {
            true => Page::NO_NODE,
            false => self.small()?,
        };
        let shares = if self.is_null()? {
            Shares::NONE
        } else if self.is(Type::Bool) {
            self.flag()?
                .then_some(Shares::MORE_THAN_ONE)
                .ok_or(NOT_AS_SAID)?
        } else {
            Shares::exactly(self.small::<u32>()?.into())
        };
        Ok(Page {
            attributes,
            node,
            shares,
        })
    }

    fn mapping(&mut self, end_before: u64) -> Result<Mapping, &'static str> {
        self.array(6)?;
        let (gap, size) = (self.number()?, self.number()?);
        let start = end_before.checked_add(gap);
        let bounds = start.and_then(|start| Some((start, start.checked_add(size)?)));
        let (start, end) = bounds
            .filter(|(start, end)| start < end)
            .ok_or("a mapping has no place in an address space")?;
        let access = Access::from_bits(self.small()?).ok_or(NOT_AS_SAID)?;
        let offset = self.number()?;
        let file = match self.is_null()? {
            true => None,
            false => {
                self.array(3)?;
                Some(FileId {
                    major: self.small()?,
                    minor: self.small()?,
                    inode: self.number()?,
                })
            }
        };
        Ok(Mapping {
            start,
            end,
            readable: access.contains(Access::READ),
            writable: access.contains(Access::WRITE),
            executable: access.contains(Access::EXECUTE),
            shared: access.contains(Access::SHARED),
            offset,
            file,
            backing: self.backing()?,
        })
    }

    fn backing(&mut self) -> Result<Backing, &'static str> {
        let length = self.list()?;
        let optional_text = |items: &mut Self| match items.is_null()? {
            true => Ok(None),
            false => items.text().map(Some),
        };
        Ok(match (self.small::<u8>()?, length) {
            (0, 3) => Backing::File {
                path: self.text()?.into(),
                deleted: self.flag()?,
            },
            (1, 2) => Backing::Memfd { name: self.text()? },
            (2, 2) => Backing::SysV { key: self.small()? },
            (3, 3) => Backing::SharedAnonymous {
                name: optional_text(self)?,
                hugetlb: self.flag()?,
            },
            (4, 3) => Backing::Anonymous {
                name: optional_text(self)?,
                hugetlb: self.flag()?,
            },
            (5, 1) => Backing::Heap,
            (6, 1) => Backing::Stack,
            (7, 1) => Backing::Vdso,
            (8, 2) => Backing::Kernel { name: self.text()? },
            _ => return Err(NOT_AS_SAID),
        })
    }

    fn runs(
        &mut self,
        page_size: u64,
        mappings: &[Mapping],
        kinds: &[Page],
    ) -> Result<Vec<Run>, &'static str> {
        const OUTSIDE: &str = "pages lie outside of their mapping";
        let mut runs = Vec::new();
        let mut next_mapping = 0_usize;
        for _ in 0..self.pieces(2)? {
            let index = self
                .small()
                .ok()
                .and_then(|skipped| next_mapping.checked_add(skipped));
            let index = index.filter(|&index| index < mappings.len());
            let index = index.ok_or("there are pages of no mapping")?;
            next_mapping = index + 1;
            let Mapping { start, end, .. } = mappings[index];
            let mut left = (end - start) / page_size;
            let mut at = start;
            for _ in 0..self.pieces(3)? {
                let (gap, pages, kind) = (self.number()?, self.small::<u32>()?, self.small()?);
                left = left
                    .checked_sub(gap)
                    .and_then(|left| left.checked_sub(pages.into()))
                    .filter(|_| pages > 0)
                    .ok_or(OUTSIDE)?;
                let page = *kinds.get::<usize>(kind).ok_or("pages are of no kind")?;
                at += gap * page_size;
                runs.push(Run::new(at, pages, index, page));
                at += u64::from(pages) * page_size;
            }
        }
        Ok(runs)
    }

    /// How many pieces of so many items a list has.
    fn pieces(&mut self, items: u64) -> Result<u64, &'static str> {
        let length = self.list()?;
        length
            .is_multiple_of(items)
            .then_some(length / items)
            .ok_or(NOT_AS_SAID)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn mapping(start: u64, end: u64, backing: Backing) -> Mapping {
        Mapping {
            start,
            end,
            readable: true,
            writable: end.is_multiple_of(0x20000),
            executable: false,
            shared: matches!(backing, Backing::SysV { .. }),
            offset: start / 2,
            file: matches!(backing, Backing::File { .. }).then_some(FileId {
                major: 253,
                minor: 1 << 20,
                inode: u64::MAX,
            }),
            backing,
        }
    }

    /// With everything that there may be, on a machine with pages of 64 KiB.
    fn set() -> WorkingSet {
        let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
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
        WorkingSet {
            identity: Identity {
                process: ProcessId::new(4_194_304),
                start: Duration::new(1 << 40, 999_999_999),
                boot: Some([7; 16]),
                name: bytes(b"a) \xff"),
            },
            taken: SystemTime::UNIX_EPOCH - Duration::new(5, 1),
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

    fn refused(file: &[u8]) -> (ErrorKind, String) {
        let error = WorkingSet::read_from(file).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn what_was_saved_comes_back_and_what_follows_is_left() {
        let set = set();
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
        unknown.taken = SystemTime::UNIX_EPOCH + Duration::new(1 << 40, 5);
        assert_eq!(
            WorkingSet::read_from(&saved(&unknown)[..]).unwrap(),
            unknown
        );
    }

    #[test]
    fn what_is_cut_off_damaged_or_something_else_is_refused() {
        let file = saved(&set());
        for length in 1..file.len() {
            let (kind, message) = refused(&file[..length]);
            assert_eq!(kind, ErrorKind::Malformed);
            assert!(message.ends_with("it is cut off"), "{length}: {message}");
        }
        assert!(refused(b"").1.ends_with("it is empty"));
        for foreign in [
            &b"\x7fELF"[..],
            b"START,END\n1,2\n",
            b"\x89PNG\r\n\x1a\n....",
        ] {
            let (kind, message) = refused(foreign);
            assert_eq!(kind, ErrorKind::Malformed);
            assert!(
                message.contains("no snapshot of a working set"),
                "{message}"
            );
        }
        for at in 12..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            let (kind, message) = refused(&damaged);
            assert_eq!(kind, ErrorKind::Malformed, "{message}");
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        let mut file = saved(&set());
        file[8..12].copy_from_slice(&7_u32.to_le_bytes());
        let (kind, message) = refused(&file);
        assert_eq!(kind, ErrorKind::NotSupported);
        assert!(message.contains("newer version"), "{message}");
        assert!(message.contains("format 7"), "{message}");
        assert!(message.contains("up to 1"), "{message}");
    }

    #[test]
    fn no_memory_is_taken_on_trust() {
        let mut file = saved(&set());
        file[12..HEAD].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(refused(&file).1.ends_with("it is cut off"));
        // A body that says it has more mappings than there are bytes in the world.
        let body = &saved(&set())[HEAD..];
        let list = body
            .windows(2)
            .position(|bytes| bytes == [0x8b, 0x86])
            .unwrap();
        let mut huge = body[..list].to_vec();
        huge.extend([0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        huge.extend(&body[list + 1..]);
        assert!(decode(&huge).is_err());
    }

    #[test]
    fn pages_outside_of_mappings_are_refused() {
        let broken = |change: fn(&mut WorkingSet)| {
            let mut set = set();
            change(&mut set);
            refused(&saved(&set)).1
        };
        let outside = broken(|set| set.runs[4] = Run::new(8 << 40, 129, 7, set.runs[4].page()));
        assert!(outside.contains("outside of their mapping"), "{outside}");
        let none = broken(|set| set.runs[4] = Run::new(8 << 40, 0, 7, set.runs[4].page()));
        assert!(none.contains("outside of their mapping"), "{none}");
        let odd = broken(|set| set.mappings[10].end += 1);
        assert!(odd.contains("does not begin and end with a page"), "{odd}");
        let empty = broken(|set| set.mappings[10].end = set.mappings[10].start);
        assert!(empty.contains("no place in an address space"), "{empty}");
        let size = broken(|set| set.page_size = 0x1800);
        assert!(size.contains("not of that size"), "{size}");
    }

    #[test]
    fn a_reader_that_fails_is_told() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the cable is cut"))
            }
        }
        let error = WorkingSet::read_from(Failing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Os);
        assert!(error.to_string().contains("the cable is cut"), "{error}");
    }
}
