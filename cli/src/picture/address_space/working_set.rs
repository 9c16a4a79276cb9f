//! Converts a working set to the address space of a picture.

use psapi::{Backing, Mapping, PageAttributes, PageRun, ShareCount, WorkingSet};

use super::model::{AddressSpace, Region, Segment, Subject, Totals};
use crate::output::{human_size, printable};
use crate::picture::page_kind::PageKind;

/// Returns the kind of the pages of a run; `None` if they are absent.
fn page_kind(run: &PageRun<'_>) -> Option<PageKind> {
    let has = |attribute| run.attributes.contains(attribute);
    let is_shared = match run.shares {
        Some(ShareCount::Exactly(count)) => count > 1,
        Some(ShareCount::MoreThanOne | ShareCount::SevenOrMore) => true,
        None => false,
    };
    Some(if has(PageAttributes::GUARD) {
        PageKind::Guard
    } else if has(PageAttributes::SWAPPED) {
        PageKind::Swapped
    } else if !has(PageAttributes::RESIDENT) {
        return None;
    } else if has(PageAttributes::ZERO) {
        PageKind::Zero
    } else if has(PageAttributes::HUGETLB) {
        PageKind::Hugetlb
    } else if has(PageAttributes::SPECIAL) {
        PageKind::Device
    } else {
        match (has(PageAttributes::FILE), is_shared) {
            (true, true) => PageKind::Shared,
            (true, false) => PageKind::File,
            (false, true) => PageKind::Forked,
            (false, false) if has(PageAttributes::HUGE) => PageKind::PrivateHuge,
            (false, false) => PageKind::Private,
        }
    })
}

/// Returns the address space of a working set.
pub fn address_space(set: &WorkingSet, title: String, time: &str) -> AddressSpace {
    let mut space = AddressSpace {
        subject: Subject::WorkingSet,
        title,
        summary: Vec::new(),
        page_size: set.page_size(),
        regions: set.mappings().iter().map(region).collect(),
        segments: Vec::new(),
        notes: notes(set),
    };
    for run in set.runs() {
        if let Some(kind) = page_kind(&run) {
            // Runs also differ in attributes that the picture does not show.
            space.push(Segment {
                start: run.start,
                end: run.end,
                kind,
                locked: run.attributes.contains(PageAttributes::LOCKED),
            });
        }
    }
    let totals = space.totals();
    let resident = human_size(totals.resident());
    let hugetlb = match totals.bytes(PageKind::Hugetlb) {
        0 => String::new(),
        bytes => format!(", {} in hugetlb pages,", human_size(bytes)),
    };
    let mapped = human_size(space.mapped());
    space.summary = vec![format!(
        "{time}: {resident} in memory{hugetlb} of {mapped} mapped"
    )];
    space
}

/// Returns sentences about the attributes that are unknown.
fn notes(set: &WorkingSet) -> Vec<&'static str> {
    let sentences = [
        (
            PageAttributes::HUGE,
            "On this system, huge pages cannot be distinguished from other pages.",
        ),
        (
            PageAttributes::ZERO,
            "On this system, zero pages cannot be distinguished from other pages.",
        ),
    ];
    sentences
        .into_iter()
        .filter(|(attribute, _)| !set.known().contains(*attribute))
        .map(|(_, sentence)| sentence)
        .collect()
}

/// Returns the region of a mapping, without pages.
pub fn region(mapping: &Mapping) -> Region {
    let label = mapping.backing.label();
    let name = match mapping.backing {
        Backing::Anonymous {
            name: None,
            hugetlb: false,
        } => "anonymous".to_owned(),
        Backing::Anonymous { hugetlb: true, .. }
        | Backing::SharedAnonymous { hugetlb: true, .. } => "hugetlb pages".to_owned(),
        Backing::SharedAnonymous { name: None, .. } => "shared anonymous".to_owned(),
        _ => printable(label.as_encoded_bytes()),
    };
    let letter = |allowed: bool, letter: char| if allowed { letter } else { '-' };
    Region {
        start: mapping.start,
        end: mapping.end,
        name,
        permissions: [
            letter(mapping.readable, 'r'),
            letter(mapping.writable, 'w'),
            letter(mapping.executable, 'x'),
            if mapping.shared { 's' } else { 'p' },
        ]
        .iter()
        .collect(),
        is_file: matches!(mapping.backing, Backing::File { .. }),
        is_landmark: matches!(mapping.backing, Backing::Heap | Backing::Stack),
        totals: Totals::default(),
    }
}
