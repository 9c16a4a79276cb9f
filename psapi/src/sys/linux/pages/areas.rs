//! Properties of a mapping that apply to all of its pages.
//!
//! The kernel describes a page without its mapping. Some attributes therefore depend on the
//! mapping: whether a page without a file belongs to a device, can be swapped, or is locked.
//! `VmaHints` holds these facts, and adds them to each page.

use std::os::fd::AsFd as _;

use crate::error::SourceError;
use crate::mapping::{Backing, Mapping};
use crate::page::PageAttributes;
use crate::sys::linux::calls::procmap_query;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::maps;
use crate::sys::linux::proc::smaps::{self, Smaps};

/// Properties of a mapping that are known before its pages are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VmaHints {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Whether a file, shared memory or the kernel backs the mapping. If false, no page is a file
    /// page.
    pub(crate) has_file: bool,
    /// Whether the mapping is shared. A page in it that is neither a file page nor a zero page
    /// belongs to a device.
    pub(crate) shared: bool,
    /// Whether pages of the mapping can be in a page file. If not, an entry flagged as swapped is a
    /// marker, or its page is under migration.
    pub(crate) swaps: bool,
    pub(crate) hugetlb: bool,
    pub(crate) locked: bool,
    /// Figures from `smaps`; set if pages are read entry by entry.
    pub(crate) counts: Option<SmapsCounts>,
    /// Whether the mapping is too large to read all its entries. Reading then stops once all pages
    /// that `smaps` counts are found.
    pub(crate) sparse: bool,
}

/// The amount of memory of a mapping, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SmapsCounts {
    /// In memory, without zero pages.
    pub(crate) resident: u64,
    /// In a page file.
    pub(crate) swapped: u64,
    /// Mapped as huge pages, without hugetlb pages.
    pub(crate) huge: u64,
}

impl VmaHints {
    /// Derives the hints from a mapping alone.
    pub(crate) fn new(mapping: &Mapping, has_page_file: bool) -> Self {
        VmaHints {
            start: mapping.start,
            end: mapping.end,
            has_file: mapping.file.is_some()
                || !matches!(
                    mapping.backing,
                    Backing::Anonymous { .. } | Backing::Heap | Backing::Stack
                ),
            shared: mapping.shared,
            // The kernel tracks swapped shared memory by the memory object, not by page tables.
            swaps: has_page_file && !mapping.shared,
            hugetlb: matches!(
                mapping.backing,
                Backing::Anonymous { hugetlb: true, .. }
                    | Backing::SharedAnonymous { hugetlb: true, .. }
            ),
            locked: false,
            counts: None,
            sparse: false,
        }
    }

    /// Adds the attributes that follow from the mapping to the reported attributes of a page.
    pub(crate) fn complete(&self, mut attributes: PageAttributes) -> PageAttributes {
        if attributes.contains(PageAttributes::GUARD) {
            // A guard page is a marker, which some interfaces also report as swapped or protected.
            attributes.remove(PageAttributes::SWAPPED | PageAttributes::WRITE_PROTECTED);
        }
        if !self.swaps {
            attributes.remove(PageAttributes::SWAPPED);
        }
        if !self.has_file {
            // The entry of a huge zero page carries the file flag.
            attributes.remove(PageAttributes::FILE);
        }
        if attributes.contains(PageAttributes::RESIDENT) {
            let has_owner = attributes.intersects(PageAttributes::FILE | PageAttributes::ZERO);
            if self.hugetlb {
                attributes |= PageAttributes::HUGE | PageAttributes::HUGETLB;
            } else if self.shared && !has_owner {
                attributes |= PageAttributes::SPECIAL;
            }
            attributes.set(PageAttributes::LOCKED, self.locked);
        }
        attributes
    }

    /// Returns true if the mapping is sparse and has no pages.
    ///
    /// Reading the entries of terabytes of reserved address space, all of them 0, takes minutes.
    pub(crate) fn is_reservation(&self) -> bool {
        self.sparse
            && self
                .counts
                .is_some_and(|counts| counts.resident + counts.swapped == 0)
    }
}

/// Adds the figures of `smaps`. Skips a mapping that changed since the mappings were listed.
pub(crate) fn add_smaps(hints: &mut [VmaHints], smaps: &[Smaps], page_size: u64) {
    for hint in hints {
        let Ok(at) = smaps.binary_search_by_key(&hint.start, |smaps| smaps.start) else {
            continue;
        };
        let smaps = &smaps[at];
        hint.hugetlb = smaps.page_size > page_size;
        hint.locked = smaps.locked;
        hint.counts = (smaps.end == hint.end).then_some(SmapsCounts {
            resident: smaps.rss,
            swapped: smaps.swap,
            huge: smaps.huge,
        });
        hint.swaps &= hint.counts.is_none_or(|counts| counts.swapped > 0);
    }
}

/// Finds the mappings of hugetlb files. Only their page size distinguishes them from other files.
pub(crate) fn add_hugetlb(
    directory: &Dir,
    use_query: bool,
    mappings: &[Mapping],
    hints: &mut [VmaHints],
    page_size: u64,
) -> Result<(), SourceError> {
    if !use_query {
        add_smaps(hints, &smaps::read(directory)?, page_size);
        return Ok(());
    }
    let file = directory.file(maps::FILE)?;
    for (mapping, hint) in mappings.iter().zip(&mut *hints) {
        if mapping.file.is_none() || hint.hugetlb {
            continue;
        }
        match procmap_query::page_size(file.as_fd(), mapping.start) {
            Ok(size) => hint.hugetlb = size.is_some_and(|size| size > page_size),
            // The kernel is older than the request.
            Err(_) => {
                add_smaps(hints, &smaps::read(directory)?, page_size);
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANONYMOUS: VmaHints = VmaHints {
        start: 0,
        end: 1 << 30,
        has_file: false,
        shared: false,
        swaps: true,
        hugetlb: false,
        locked: false,
        counts: None,
        sparse: false,
    };

    #[test]
    fn hints_complete_page_attributes() {
        let here = PageAttributes::RESIDENT;
        let (file, zero) = (here | PageAttributes::FILE, here | PageAttributes::ZERO);
        let shared = VmaHints {
            has_file: true,
            shared: true,
            swaps: false,
            ..ANONYMOUS
        };
        assert_eq!(ANONYMOUS.complete(here), here);
        assert_eq!(shared.complete(here), here | PageAttributes::SPECIAL);
        assert_eq!(shared.complete(file), file);
        assert_eq!(shared.complete(zero), zero);
        let locked = VmaHints {
            locked: true,
            ..ANONYMOUS
        };
        assert_eq!(locked.complete(here), here | PageAttributes::LOCKED);
        // In an anonymous mapping, only a huge zero page has the file flag.
        assert_eq!(ANONYMOUS.complete(file), here);
        let swapped = PageAttributes::SWAPPED;
        assert_eq!(locked.complete(swapped), swapped);
        assert_eq!(shared.complete(swapped), PageAttributes::empty());
        let hugetlb = VmaHints {
            hugetlb: true,
            ..shared
        };
        let expected = here | PageAttributes::HUGE | PageAttributes::HUGETLB;
        assert_eq!(hugetlb.complete(here), expected);
        // The kernel also flags guard pages as swapped.
        let guard = PageAttributes::GUARD;
        assert_eq!(ANONYMOUS.complete(guard | swapped), guard);
    }
}
