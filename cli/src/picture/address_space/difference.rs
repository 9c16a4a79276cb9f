//! Converts the difference of two working sets to the address space of a picture.
//!
//! The regions are the mappings after, and the parts of mappings before that are unmapped now. The
//! pages of both working sets and their changes overlap. A sweep over all their boundaries yields
//! one kind for each range of addresses.

use std::collections::HashSet;
use std::ops::Range;

use psapi::{DifferenceKind, Mapping, PageAttributes, PageRun, WorkingSetDifference};

use super::model::{AddressSpace, Region, Segment, Subject};
use super::working_set::region;
use crate::output::human_size;
use crate::picture::page_kind::PageKind;

/// Returns the address space of a difference.
pub fn address_space(
    difference: &WorkingSetDifference<'_>,
    title: String,
    times: [&str; 2],
) -> AddressSpace {
    let mut space = AddressSpace {
        subject: Subject::Difference,
        title,
        summary: Vec::new(),
        page_size: difference.after().page_size(),
        regions: regions(difference),
        segments: Vec::new(),
        notes: Vec::new(),
    };
    for pages in segments(difference, &space.regions) {
        space.push(pages);
    }
    if space.totals().changed() == 0 {
        space.notes.push("No page was added, removed or changed.");
    }
    let totals = difference.totals();
    let [before, after] = times;
    space.summary = vec![
        format!("changes from {before} to {after}"),
        format!(
            "{} in memory before, {} after",
            human_size(totals.before.resident),
            human_size(totals.after.resident)
        ),
    ];
    space
}

fn regions(difference: &WorkingSetDifference<'_>) -> Vec<Region> {
    let now = difference.after().mappings();
    let pairs = difference.totals_by_mapping();
    let new: HashSet<u64> = pairs
        .filter(|pair| pair.before.is_none())
        .filter_map(|pair| pair.after)
        .map(|mapping| mapping.start)
        .collect();
    let mut regions: Vec<Region> = now.iter().map(region).collect();
    for region in &mut regions {
        if new.contains(&region.start) {
            region.name.push_str(" (mapped)");
        }
    }
    for mapping in difference.before().mappings() {
        for Range { start, end } in uncovered(mapping.start..mapping.end, now) {
            let mut region = Region {
                start,
                end,
                ..region(mapping)
            };
            region.name.push_str(" (unmapped)");
            regions.push(region);
        }
    }
    regions.sort_by_key(|region| region.start);
    regions
}

/// Returns the parts of a range that no mapping covers.
fn uncovered(range: Range<u64>, mappings: &[Mapping]) -> Vec<Range<u64>> {
    let first = mappings.partition_point(|mapping| mapping.end <= range.start);
    let overlapping = mappings[first..]
        .iter()
        .take_while(|mapping| mapping.start < range.end);
    let mut parts = Vec::new();
    let mut at = range.start;
    for mapping in overlapping {
        if mapping.start > at {
            parts.push(at..mapping.start);
        }
        at = mapping.end;
    }
    if at < range.end {
        parts.push(at..range.end);
    }
    parts
}

/// The kinds of pages that can overlap. Earlier kinds cover later ones.
const OVERLAPPING: [PageKind; 5] = [
    PageKind::Removed,
    PageKind::Added,
    PageKind::Changed,
    PageKind::SharesChanged,
    PageKind::Unchanged,
];

/// The start or end of pages, or of a region.
struct Boundary {
    address: u64,
    /// The index in [`OVERLAPPING`]; `None` for a region.
    kind: Option<usize>,
    is_start: bool,
}

/// Returns pages of one kind and one region each, by ascending address.
fn segments(difference: &WorkingSetDifference<'_>, regions: &[Region]) -> Vec<Segment> {
    let mut boundaries = Vec::new();
    let mut push = |start, end, kind: Option<PageKind>| {
        let kind = kind.and_then(|kind| OVERLAPPING.iter().position(|&other| other == kind));
        boundaries.extend(
            [(start, true), (end, false)].map(|(address, is_start)| Boundary {
                address,
                kind,
                is_start,
            }),
        );
    };
    for region in regions {
        push(region.start, region.end, None);
    }
    for run in difference.after().runs().filter(is_present) {
        push(run.start, run.end, Some(PageKind::Unchanged));
    }
    for pages in difference.pages() {
        let was_present = pages.before.as_ref().is_some_and(is_present);
        let is_present = pages.after.as_ref().is_some_and(is_present);
        let kind = match (was_present, is_present, pages.kind()) {
            (false, false, _) => continue,
            (false, true, _) => PageKind::Added,
            (true, false, _) => PageKind::Removed,
            (true, true, DifferenceKind::SharesChanged) => PageKind::SharesChanged,
            (true, true, _) => PageKind::Changed,
        };
        push(pages.start, pages.end, Some(kind));
    }
    boundaries.sort_unstable_by_key(|boundary| boundary.address);
    let mut segments = Vec::new();
    // The number of ranges of each kind that contain the current address.
    let mut open = [0_u32; OVERLAPPING.len()];
    let mut start = 0;
    for boundary in boundaries {
        if boundary.address > start {
            segments.extend(visible(&open).map(|kind| Segment {
                start,
                end: boundary.address,
                kind,
                locked: false,
            }));
            start = boundary.address;
        }
        if let Some(kind) = boundary.kind {
            if boundary.is_start {
                open[kind] += 1;
            } else {
                open[kind] -= 1;
            }
        }
    }
    segments
}

/// Returns true if pages are in memory or in a page file.
fn is_present(run: &PageRun<'_>) -> bool {
    let attributes = run.attributes;
    attributes.intersects(PageAttributes::RESIDENT | PageAttributes::SWAPPED)
        && !attributes.contains(PageAttributes::GUARD)
}

/// Returns the kind to draw where pages of several kinds overlap.
fn visible(open: &[u32; OVERLAPPING.len()]) -> Option<PageKind> {
    let mut kinds = OVERLAPPING
        .into_iter()
        .zip(open)
        .filter(|&(_, &count)| count > 0)
        .map(|(kind, _)| kind);
    match (kinds.next()?, kinds.next()) {
        (PageKind::Removed, Some(PageKind::Added)) => Some(PageKind::Replaced),
        (kind, _) => Some(kind),
    }
}
