//! Finds huge pages by their entries.
//!
//! An entry does not show whether its page is part of a huge page. The entries of a huge page form
//! a full aligned block, all alike and in consecutive frames. Small pages can look the same, so the
//! sum for each mapping is checked against `smaps`.

use std::ops::Range;

use super::walker::{PageWalker, merge, total};
use crate::page::{Page, PageAttributes};
use crate::sys::linux::pages::areas::VmaHints;
use crate::sys::linux::proc::pagemap::PagemapEntry;

impl<F: FnMut(usize, Range<u64>, Page)> PageWalker<'_, F> {
    /// Returns the number of small pages in a huge page.
    ///
    /// A last-level page table is one page of 8-byte entries, and a huge page replaces such a
    /// table.
    pub(super) fn pages_in_huge(&self) -> usize {
        self.request.page_size as usize / size_of::<u64>()
    }

    /// Marks the pages of the last block that look like parts of a huge page.
    pub(super) fn mark_huge(&self, start: u64, pages: &mut [Page]) {
        let in_huge = self.pages_in_huge();
        // Huge pages are aligned: skip to the first boundary.
        let first = (start / self.request.page_size) as usize;
        let skip = first.next_multiple_of(in_huge) - first;
        let entries = self.entries.iter().skip(skip).copied().collect::<Vec<_>>();
        let pages = pages.get_mut(skip..).unwrap_or_default();
        for (entries, pages) in entries
            .chunks_exact(in_huge)
            .zip(pages.chunks_exact_mut(in_huge))
        {
            if may_be_huge_page(entries) {
                for page in pages {
                    page.attributes |= PageAttributes::HUGE;
                }
            }
        }
    }

    /// Removes the marks of huge pages from a mapping if their sum differs from `smaps`.
    pub(super) fn check_huge(&mut self, hint: &VmaHints, found: &mut Vec<(Range<u64>, Page)>) {
        let is_huge = |page: &Page| {
            let (huge, zero) = (PageAttributes::HUGE, PageAttributes::ZERO);
            page.attributes.contains(huge) && !page.attributes.contains(zero)
        };
        let huge = total(found, is_huge);
        if hint.counts.is_some_and(|counts| counts.huge == huge) {
            return;
        }
        self.known.remove(PageAttributes::HUGE);
        for (run, mut page) in std::mem::take(found) {
            page.attributes.remove(PageAttributes::HUGE);
            merge(found, run, page);
        }
    }
}

/// Returns true if entries can belong to one huge page: all present, alike, and in consecutive
/// frames.
///
/// The "mapped once" flag can differ, because another process can map a part of the huge page.
fn may_be_huge_page(entries: &[u64]) -> bool {
    let without_exclusive = |entry: u64| entry & !PagemapEntry::EXCLUSIVE.bits();
    let Some(first) = entries.first().copied().map(without_exclusive) else {
        return false;
    };
    // Without the privilege to see frame numbers, all of them are 0.
    let step = u64::from(PagemapEntry::frame(first).is_some());
    first & PagemapEntry::PRESENT.bits() != 0
        && entries
            .iter()
            .zip(0..)
            .all(|(&entry, at)| without_exclusive(entry) == first + at * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_page_needs_consecutive_equal_entries() {
        let present = PagemapEntry::PRESENT.bits();
        let entries = |frame: u64, step: u64| -> Vec<u64> {
            (0..512).map(|at| present | (frame + at * step)).collect()
        };
        assert!(may_be_huge_page(&entries(0x200, 1)));
        // Hidden frame numbers.
        assert!(may_be_huge_page(&entries(0, 0)));
        assert!(!may_be_huge_page(&entries(0x200, 2)));
        assert!(!may_be_huge_page(&entries(0x200, 0)));
        let mut dirty = entries(0x200, 1);
        dirty[7] |= PagemapEntry::SOFT_DIRTY.bits();
        assert!(!may_be_huge_page(&dirty));
        let mut partly_shared = entries(0x200, 1);
        partly_shared[7] |= PagemapEntry::EXCLUSIVE.bits();
        assert!(may_be_huge_page(&partly_shared));
        assert!(!may_be_huge_page(&[0; 512]));
        assert!(!may_be_huge_page(&[]));
    }
}
