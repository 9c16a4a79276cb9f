//! Encodes the body of a saved working set.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::{Duration, SystemTime};

use minicbor::Encoder;

use super::access;
use crate::mapping::{Backing, Mapping};
use crate::page::{Page, ShareCount};
use crate::start_time::StartTime;
use crate::working_set::WorkingSet;
use crate::working_set::identity::Identity;

type Body<'v> = Encoder<&'v mut Vec<u8>>;
type Encoded = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

/// Appends the body to a buffer.
pub(super) fn encode(set: &WorkingSet, body: &mut Body<'_>) -> Encoded {
    let Identity {
        process,
        start,
        boot,
        name,
    } = &set.identity;
    body.array(10)?
        .u64(set.page_size)?
        .u32(process.get())?
        .bytes(name.as_encoded_bytes())?;
    encode_start(*start, body)?;
    match boot {
        Some(boot) => body.bytes(boot)?,
        None => body.null()?,
    };
    encode_system_time(set.taken_at, body)?;
    body.u16(set.known.bits())?;

    // Runs share few distinct kinds of pages, so list the kinds, and refer to them by index.
    let mut kind_indices: HashMap<Page, u32> = HashMap::new();
    let mut kinds = Vec::new();
    for run in &set.runs {
        kind_indices.entry(run.page()).or_insert_with(|| {
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

    // Two items for each mapping with runs: the number of mappings without runs before it, and its
    // runs. The start of a run is the gap after the previous one.
    let by_mapping = || set.runs.chunk_by(|a, b| a.mapping() == b.mapping());
    body.array(2 * by_mapping().count() as u64)?;
    let mut next_mapping = 0;
    for runs in by_mapping() {
        let mapping = runs[0].mapping();
        body.u64((mapping - next_mapping) as u64)?;
        next_mapping = mapping + 1;
        body.array(3 * runs.len() as u64)?;
        let mut end = set.mappings[mapping].start;
        for run in runs {
            body.u64((run.start() - end) / set.page_size)?
                .u32(run.pages())?
                .u32(kind_indices[&run.page()])?;
            end = run.start() + u64::from(run.pages()) * set.page_size;
        }
    }
    Ok(())
}

/// Encodes whole seconds, which can be negative, and nanoseconds.
fn encode_start(start: StartTime, body: &mut Body<'_>) -> Encoded {
    body.array(2)?
        .i64(start.secs())?
        .u32(start.subsec_nanos())?;
    Ok(())
}

/// Encodes seconds and nanoseconds.
fn encode_time(time: Duration, body: &mut Body<'_>) -> Encoded {
    body.array(2)?
        .u64(time.as_secs())?
        .u32(time.subsec_nanos())?;
    Ok(())
}

/// Encodes whether a time is after the start of 1970, and the distance from it.
fn encode_system_time(time: SystemTime, body: &mut Body<'_>) -> Encoded {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
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
        Some(ShareCount::SevenOrMore) => body.bool(false)?,
    };
    Ok(())
}

fn encode_mapping(mapping: &Mapping, end_before: u64, body: &mut Body<'_>) -> Encoded {
    let access = [
        (mapping.readable, access::READ),
        (mapping.writable, access::WRITE),
        (mapping.executable, access::EXECUTE),
        (mapping.shared, access::SHARED),
    ];
    let access = access.into_iter().filter(|&(is_set, _)| is_set);
    let access: u8 = access.map(|(_, bit)| bit).sum();
    body.array(6)?
        .u64(mapping.start - end_before)?
        .u64(mapping.size())?
        .u8(access)?;
    match mapping.offset {
        Some(offset) => body.u64(offset)?,
        None => body.null()?,
    };
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
            Some(name) => body.bytes(name.as_encoded_bytes())?,
            None => body.null()?,
        };
        body.bool(hugetlb)?;
        Ok(())
    };
    match backing {
        Backing::File { path, deleted } => body
            .array(3)?
            .u8(0)?
            .bytes(path.as_os_str().as_encoded_bytes())?
            .bool(*deleted)?,
        Backing::Memfd { name } => body.array(2)?.u8(1)?.bytes(name.as_encoded_bytes())?,
        Backing::SysV { key } => body.array(2)?.u8(2)?.u32(*key)?,
        Backing::SharedAnonymous { name, hugetlb } => return named(body, 3, name, *hugetlb),
        Backing::Anonymous { name, hugetlb } => return named(body, 4, name, *hugetlb),
        Backing::Heap => body.array(1)?.u8(5)?,
        Backing::Stack => body.array(1)?.u8(6)?,
        Backing::Vdso => body.array(1)?.u8(7)?,
        Backing::Kernel { name } => body.array(2)?.u8(8)?.bytes(name.as_encoded_bytes())?,
        Backing::PagefileSection => body.array(1)?.u8(9)?,
    };
    Ok(())
}
