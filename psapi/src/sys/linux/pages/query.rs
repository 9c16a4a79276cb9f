//! Reads the pages at given addresses.
//!
//! The addresses are sorted, their mappings are looked up, and neighboring pages are walked as one
//! range. The results keep the order of the request.

use std::ops::{ControlFlow, Range};

use super::source::PageSource;
use crate::error::SourceError;
use crate::mapping::Mapping;
use crate::page::PageAttributes;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::process::Process;
use crate::working_set::options::ShareScope;
use crate::working_set::page_info::PageInfo;
use crate::working_set::run::Protection;

/// The largest gap, in pages, between two pages that are walked as one range.
const MAX_GAP: u64 = 16;

/// The largest number of addresses whose mappings are looked up one by one. Beyond it, listing all
/// mappings costs less in most processes.
const MAX_SINGLE_LOOKUPS: usize = 16;

/// Reads the pages at addresses, in the order of the addresses.
pub(crate) fn query_pages(
    process: &Process,
    addresses: &[u64],
) -> Result<Vec<PageInfo>, SourceError> {
    process.retry(|directory| read(process, directory, addresses))
}

/// Reads the pages through a directory of the process or of one of its threads.
fn read(
    process: &Process,
    directory: &Dir,
    addresses: &[u64],
) -> Result<Vec<PageInfo>, SourceError> {
    // Pairs of an address and its index in the result.
    let mut sorted: Vec<(u64, usize)> = addresses.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    let source = PageSource::open(process, directory, |mappings| match sorted.len() {
        0..=MAX_SINGLE_LOOKUPS => {
            let addresses = sorted.iter().map(|&(address, _)| address);
            process.list_mappings_at(directory, addresses, mappings)
        }
        _ => process.list_mappings(directory, mappings),
    })?;
    let unmapped = addresses.iter().copied().map(PageInfo::unmapped);
    let mut pages: Vec<PageInfo> = unmapped.collect();
    // A mapped address has a protection even if its page is absent.
    let ranges = page_ranges(&source, &sorted, |index, mapping| {
        pages[index].protection = Some(Protection::of(mapping, PageAttributes::empty()));
    });
    let mut rest = &sorted[..];
    let mut never_cancel = |_| ControlFlow::Continue(());
    source.walk(
        ShareScope::Shareable,
        ranges,
        &mut never_cancel,
        |mapping, range, page| {
            let run = page.run(range, &source.mappings[mapping]);
            // Runs and addresses both ascend: consume all addresses up to the end of the run.
            while let [(address, index), others @ ..] = rest
                && *address < run.end
            {
                if *address >= run.start {
                    pages[*index] = PageInfo::in_run(*address, &run);
                }
                rest = others;
            }
        },
    )?;
    Ok(pages)
}

/// Returns the ranges that contain the pages of sorted addresses. Calls `on_mapped` with the index
/// and the mapping of each mapped address.
fn page_ranges(
    source: &PageSource<'_>,
    sorted: &[(u64, usize)],
    mut on_mapped: impl FnMut(usize, &Mapping),
) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut mappings = source.mappings.iter().peekable();
    for &(address, index) in sorted {
        while mappings.next_if(|mapping| mapping.end <= address).is_some() {}
        let Some(mapping) = mappings.peek().filter(|mapping| mapping.start <= address) else {
            continue;
        };
        on_mapped(index, mapping);
        let range = if source.needs_whole(mapping) {
            mapping.start..mapping.end
        } else {
            let start = address - address % source.page_size;
            start..start + source.page_size
        };
        match ranges.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(MAX_GAP * source.page_size) => {
                last.end = last.end.max(range.end);
            }
            _ => ranges.push(range),
        }
    }
    ranges
}
