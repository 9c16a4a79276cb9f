//! Decodes the body of a saved working set.
//!
//! The body is untrusted: each number is checked, and lists grow as their items arrive, whatever
//! length they claim.

use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use minicbor::Decoder;
use minicbor::data::Type;

use super::access;
use crate::mapping::{Backing, FileId, Mapping};
use crate::page::{Page, PageAttributes, Shares};
use crate::process_id::ProcessId;
use crate::start_time::StartTime;
use crate::sys::foreign_text;
use crate::working_set::WorkingSet;
use crate::working_set::identity::Identity;
use crate::working_set::run::Run;

/// The largest valid page size. No machine has larger pages.
const MAX_PAGE_SIZE: u64 = 1 << 30;

const BAD_STRUCTURE: &str = "unexpected structure";

/// Decodes a body. The error is the reason why the body is invalid.
pub(super) fn decode(body: &[u8]) -> Result<WorkingSet, &'static str> {
    let mut items = Items(Decoder::new(body));
    items.array(10)?;
    let page_size = items.number()?;
    if !page_size.is_power_of_two() || page_size > MAX_PAGE_SIZE {
        return Err("invalid page size");
    }
    let process = ProcessId::new(items.small()?);
    let name = items.text()?;
    let start = items.start()?;
    let boot = if items.skip_null()? {
        None
    } else {
        Some(items.bytes()?.try_into().map_err(|_| BAD_STRUCTURE)?)
    };
    let taken_at = items.system_time()?;
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
            return Err("a mapping is not aligned to pages");
        }
        end = mapping.end;
        mappings.push(mapping);
    }
    let runs = items.runs(page_size, &mappings, &kinds)?;
    if items.0.position() != body.len() {
        return Err("unexpected data after the last item");
    }
    Ok(WorkingSet {
        identity: Identity {
            process,
            start,
            boot,
            name,
        },
        taken_at,
        page_size,
        mappings,
        runs,
        known,
    })
}

/// A reader of the items of a body.
struct Items<'b>(Decoder<'b>);

impl<'b> Items<'b> {
    fn number(&mut self) -> Result<u64, &'static str> {
        self.0.u64().map_err(|_| BAD_STRUCTURE)
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, &'static str> {
        self.number()?.try_into().map_err(|_| BAD_STRUCTURE)
    }

    fn flag(&mut self) -> Result<bool, &'static str> {
        self.0.bool().map_err(|_| BAD_STRUCTURE)
    }

    fn bytes(&mut self) -> Result<&'b [u8], &'static str> {
        self.0.bytes().map_err(|_| BAD_STRUCTURE)
    }

    fn text(&mut self) -> Result<OsString, &'static str> {
        Ok(foreign_text(self.bytes()?))
    }

    /// Reads the head of a list of any length. Returns the number of its items.
    fn list(&mut self) -> Result<u64, &'static str> {
        self.0.array().ok().flatten().ok_or(BAD_STRUCTURE)
    }

    /// Reads the head of a list of a fixed length.
    fn array(&mut self, length: u64) -> Result<(), &'static str> {
        (self.list()? == length).then_some(()).ok_or(BAD_STRUCTURE)
    }

    /// Returns true if the next item has a type.
    fn is(&self, expected: Type) -> bool {
        self.0.datatype().is_ok_and(|found| found == expected)
    }

    /// Reads the next item if it is null. Returns true if it was.
    fn skip_null(&mut self) -> Result<bool, &'static str> {
        let is_null = self.is(Type::Null);
        if is_null {
            self.0.null().map_err(|_| BAD_STRUCTURE)?;
        }
        Ok(is_null)
    }

    fn start(&mut self) -> Result<StartTime, &'static str> {
        self.array(2)?;
        let secs = self.0.i64().map_err(|_| BAD_STRUCTURE)?;
        Ok(StartTime::new(secs, self.nanoseconds()?))
    }

    fn time(&mut self) -> Result<Duration, &'static str> {
        self.array(2)?;
        Ok(Duration::new(self.number()?, self.nanoseconds()?))
    }

    /// Reads the part of a time that is below one second.
    fn nanoseconds(&mut self) -> Result<u32, &'static str> {
        let nanoseconds = self.small()?;
        let is_valid = nanoseconds < 1_000_000_000;
        is_valid.then_some(nanoseconds).ok_or(BAD_STRUCTURE)
    }

    fn system_time(&mut self) -> Result<SystemTime, &'static str> {
        self.array(2)?;
        let (is_after, span) = (self.flag()?, self.time()?);
        let time = if is_after {
            SystemTime::UNIX_EPOCH.checked_add(span)
        } else {
            SystemTime::UNIX_EPOCH.checked_sub(span)
        };
        time.ok_or("timestamp out of range")
    }

    fn attributes(&mut self) -> Result<PageAttributes, &'static str> {
        let attributes = PageAttributes::from_bits(self.small()?);
        attributes.ok_or("unknown page attribute")
    }

    fn kind(&mut self) -> Result<Page, &'static str> {
        self.array(3)?;
        let attributes = self.attributes()?;
        let node = if self.skip_null()? {
            Page::NO_NODE
        } else {
            self.small()?
        };
        let shares = if self.skip_null()? {
            Shares::NONE
        } else if self.is(Type::Bool) {
            match self.flag()? {
                true => Shares::MORE_THAN_ONE,
                false => Shares::SEVEN_OR_MORE,
            }
        } else {
            Shares::exactly(self.small::<u32>()?.into())
        };
        Ok(Page {
            attributes,
            node,
            shares,
        })
    }

    /// Reads a mapping. Its start is stored as the gap after the end of the previous one.
    fn mapping(&mut self, end_before: u64) -> Result<Mapping, &'static str> {
        self.array(6)?;
        let (gap, size) = (self.number()?, self.number()?);
        let start = end_before.checked_add(gap);
        let bounds = start.and_then(|start| Some((start, start.checked_add(size)?)));
        let (start, end) = bounds
            .filter(|(start, end)| start < end)
            .ok_or("a mapping is empty or out of range")?;
        let bits: u8 = self.small()?;
        if bits & !access::ALL != 0 {
            return Err(BAD_STRUCTURE);
        }
        let offset = if self.skip_null()? {
            None
        } else {
            Some(self.number()?)
        };
        let file = if self.skip_null()? {
            None
        } else {
            self.array(3)?;
            Some(FileId {
                major: self.small()?,
                minor: self.small()?,
                inode: self.number()?,
            })
        };
        Ok(Mapping {
            start,
            end,
            readable: bits & access::READ != 0,
            writable: bits & access::WRITE != 0,
            executable: bits & access::EXECUTE != 0,
            shared: bits & access::SHARED != 0,
            offset,
            file,
            backing: self.backing()?,
        })
    }

    fn backing(&mut self) -> Result<Backing, &'static str> {
        let length = self.list()?;
        let optional_text = |items: &mut Self| {
            if items.skip_null()? {
                Ok(None)
            } else {
                items.text().map(Some)
            }
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
            (9, 1) => Backing::PagefileSection,
            _ => return Err(BAD_STRUCTURE),
        })
    }

    /// Reads the runs of all mappings. Each run must lie within its mapping.
    fn runs(
        &mut self,
        page_size: u64,
        mappings: &[Mapping],
        kinds: &[Page],
    ) -> Result<Vec<Run>, &'static str> {
        const OUTSIDE: &str = "a page is outside of its mapping";
        let mut runs = Vec::new();
        let mut next_mapping = 0_usize;
        for _ in 0..self.tuples(2)? {
            let index = self
                .small()
                .ok()
                .and_then(|skipped| next_mapping.checked_add(skipped));
            let index = index.filter(|&index| index < mappings.len());
            let index = index.ok_or("invalid mapping index")?;
            next_mapping = index + 1;
            let Mapping { start, end, .. } = mappings[index];
            // The number of pages of the mapping after `at`.
            let mut remaining = (end - start) / page_size;
            let mut at = start;
            for _ in 0..self.tuples(3)? {
                let (gap, pages, kind) = (self.number()?, self.small::<u32>()?, self.small()?);
                remaining = remaining
                    .checked_sub(gap)
                    .and_then(|remaining| remaining.checked_sub(pages.into()))
                    .filter(|_| pages > 0)
                    .ok_or(OUTSIDE)?;
                let page = *kinds.get::<usize>(kind).ok_or("invalid page kind index")?;
                at += gap * page_size;
                runs.push(Run::new(at, pages, index, page));
                at += u64::from(pages) * page_size;
            }
        }
        Ok(runs)
    }

    /// Reads the head of a list of tuples of `items` items each. Returns the number of tuples.
    fn tuples(&mut self, items: u64) -> Result<u64, &'static str> {
        let length = self.list()?;
        length
            .is_multiple_of(items)
            .then_some(length / items)
            .ok_or(BAD_STRUCTURE)
    }
}
