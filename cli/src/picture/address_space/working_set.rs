//! A picture's address space, taken from a working set: the one place that knows both.

use std::os::unix::ffi::OsStrExt as _;

use psapi::{Backing, Mapping, PageAttributes, PageRun, ShareCount, WorkingSet};

use super::{AddressSpace, Kind, Region, Stretch, Totals};
use crate::output::printable;

/// What a page is; `None` for what is neither in memory nor known to be elsewhere.
fn kind(run: &PageRun<'_>) -> Option<Kind> {
    let has = |attribute| run.attributes.contains(attribute);
    let is_shared = match run.shares {
        Some(ShareCount::Exactly(count)) => count > 1,
        Some(ShareCount::MoreThanOne) => true,
        None => false,
    };
    Some(if has(PageAttributes::GUARD) {
        Kind::Guard
    } else if has(PageAttributes::SWAPPED) {
        Kind::Swapped
    } else if !has(PageAttributes::RESIDENT) {
        return None;
    } else if has(PageAttributes::ZERO) {
        Kind::Zero
    } else if has(PageAttributes::HUGETLB) {
        Kind::Hugetlb
    } else if has(PageAttributes::SPECIAL) {
        Kind::Device
    } else {
        match (has(PageAttributes::FILE), is_shared) {
            (true, true) => Kind::Shared,
            (true, false) => Kind::File,
            (false, true) => Kind::Forked,
            (false, false) if has(PageAttributes::HUGE) => Kind::PrivateHuge,
            (false, false) => Kind::Private,
        }
    })
}

impl AddressSpace {
    /// Draws on share counts of private pages, too: see
    /// [`WorkingSetOptions::with_private_share_counts`](psapi::WorkingSetOptions::with_private_share_counts).
    pub fn new(set: &WorkingSet, title: String, taken: String) -> Self {
        let mut regions: Vec<Region> = set.mappings().iter().map(region).collect();
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut place = 0;
        for run in set.runs() {
            let Some(kind) = kind(&run) else { continue };
            let locked = run.attributes.contains(PageAttributes::LOCKED);
            while regions[place].end <= run.start {
                place += 1;
            }
            let region = &mut regions[place];
            region.totals.add(kind, run.size(), locked);
            match stretches.last_mut() {
                // Runs differ in more than a picture shows.
                Some(last)
                    if (last.end, last.kind, last.locked) == (run.start, kind, locked)
                        && run.start > region.start =>
                {
                    last.end = run.end;
                }
                _ => stretches.push(Stretch {
                    start: run.start,
                    end: run.end,
                    kind,
                    locked,
                }),
            }
        }
        let untold = [
            (
                PageAttributes::HUGE,
                "Here, huge pages can't be told from others.",
            ),
            (
                PageAttributes::ZERO,
                "Here, pages of zeros can't be told from others.",
            ),
        ];
        let untold = untold
            .into_iter()
            .filter(|(attribute, _)| !set.known().contains(*attribute))
            .map(|(_, sentence)| sentence)
            .collect();
        AddressSpace {
            title,
            taken,
            page_size: set.page_size(),
            regions,
            stretches,
            untold,
        }
    }
}

fn region(mapping: &Mapping) -> Region {
    let label = mapping.backing.label();
    let name = match mapping.backing {
        Backing::Anonymous {
            name: None,
            hugetlb: false,
        } => "anonymous".to_owned(),
        Backing::Anonymous { hugetlb: true, .. }
        | Backing::SharedAnonymous { hugetlb: true, .. } => "hugetlb pages".to_owned(),
        Backing::SharedAnonymous { name: None, .. } => "shared anonymous".to_owned(),
        _ => printable(label.as_bytes()),
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
