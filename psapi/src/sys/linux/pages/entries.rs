//! The strategy before Linux 6.7: one `pagemap` entry for each page.
//!
//! Entries are read in blocks. Nearly all blocks of a large mapping are empty, so each block is
//! first checked for that. The pages of a mapping are collected before they are emitted. Only the
//! sums of the whole mapping show whether zero pages and huge pages were found correctly.

use std::ops::Range;

use super::walker::{BLOCK, PageWalker, REPORTED, equal_runs, merge};
use crate::error::SourceError;
use crate::page::{Page, PageAttributes};
use crate::sys::linux::proc::kpage::FrameFlags;
use crate::sys::linux::proc::pagemap::PagemapEntry;

impl<F: FnMut(usize, Range<u64>, Page)> PageWalker<'_, F> {
    /// Reads the entries of a range, which can span several mappings.
    pub(super) fn read(&mut self, mut range: Range<u64>) -> Result<(), SourceError> {
        while let Some((index, part)) = self.next_part(&mut range) {
            let hint = self.request.hints[index];
            let may_have_huge = hint.counts.is_none_or(|counts| counts.huge > 0);
            let mut found: Vec<(Range<u64>, Page)> = Vec::new();
            // Bytes that `smaps` counts in a sparse mapping and that were not found yet. A mapping
            // with swapped pages is read to its end, because only resident pages are subtracted.
            let mut missing = match hint.counts {
                Some(counts) if hint.sparse && counts.swapped == 0 => counts.resident,
                _ => u64::MAX,
            };
            let mut rest = part;
            while let Some(start) = self.next_entries(&mut rest)? {
                if self.all_absent() {
                    (self.request.progress)(0)?;
                    continue;
                }
                self.settle(&hint, start)?;
                let mut pages: Vec<Page> = self
                    .entries
                    .iter()
                    .map(|&entry| Page::new(hint.complete(self.attributes(entry))))
                    .collect();
                if may_have_huge {
                    self.mark_huge(start, &mut pages);
                }
                self.look_up_frames(&mut pages);
                let mut bytes = 0;
                for (run, page) in equal_runs(start, self.request.page_size, &pages) {
                    if page.attributes.intersects(REPORTED) {
                        bytes += run.end - run.start;
                        merge(&mut found, run, page);
                    }
                }
                (self.request.progress)(bytes)?;
                if hint.sparse {
                    missing = missing.saturating_sub(self.definitely_resident());
                }
                if missing == 0 && !rest.is_empty() {
                    // The rest can still hold zero pages and guard pages, which `smaps` does not
                    // count.
                    self.known
                        .remove(PageAttributes::ZERO | PageAttributes::GUARD);
                    break;
                }
            }
            if !hint.hugetlb {
                self.mark_zero_pages(&hint, &mut found)?;
                self.check_huge(&hint, &mut found);
            }
            for (run, page) in found {
                self.emit(index, run, page);
            }
        }
        Ok(())
    }

    /// Reads the entries of the next block of a range, and removes the block from the range.
    /// Returns the address of the block's first page.
    pub(super) fn next_entries(
        &mut self,
        rest: &mut Range<u64>,
    ) -> Result<Option<u64>, SourceError> {
        if rest.is_empty() {
            return Ok(None);
        }
        let (start, block) = (rest.start, BLOCK * self.request.page_size);
        // Blocks are aligned, so that no huge page spans two of them.
        let end = rest.end.min((start / block + 1).saturating_mul(block));
        rest.start = end;
        let count = ((end - start) / self.request.page_size) as usize;
        self.entries.resize(count, 0);
        self.request.pagemap.read(start, &mut self.entries)?;
        Ok(Some(start))
    }

    /// Returns true if all entries are equal and none describes a page.
    ///
    /// Compares slices, which is fast, because sparse mappings have billions of entries.
    fn all_absent(&self) -> bool {
        let [first, others @ ..] = &self.entries[..] else {
            return true;
        };
        !PagemapEntry::attributes(*first).intersects(REPORTED)
            && *others == self.entries[..others.len()]
    }

    /// Returns the number of bytes in the last block that `smaps` certainly counts as resident.
    ///
    /// `smaps` excludes zero pages and device pages. Both kinds lack the "mapped once" flag and an
    /// anonymous frame, so every page that has one of the two is counted.
    fn definitely_resident(&mut self) -> u64 {
        let present = || {
            let entries = self.entries.iter().copied();
            entries.filter(|&entry| entry & PagemapEntry::PRESENT.bits() != 0)
        };
        let is_exclusive = |entry: u64| entry & PagemapEntry::EXCLUSIVE.bits() != 0;
        let mut count = present().filter(|&entry| is_exclusive(entry)).count();
        if let Some(kpageflags) = &mut self.request.kpageflags {
            self.frames.clear();
            let others = present().filter(|&entry| !is_exclusive(entry));
            self.frames.extend(others.filter_map(PagemapEntry::frame));
            if kpageflags.look_up(&mut self.frames).is_ok() {
                let is_anonymous = |&&flags: &&u64| {
                    FrameFlags::from_bits_truncate(flags).contains(FrameFlags::ANON)
                };
                count += self.frames.iter().filter(is_anonymous).count();
            }
        }
        count as u64 * self.request.page_size
    }
}

impl PagemapEntry {
    /// Returns the attributes that an entry shows.
    pub(super) fn attributes(entry: u64) -> PageAttributes {
        let flags = PagemapEntry::from_bits_truncate(entry);
        let mut attributes = PageAttributes::empty();
        for (flag, attribute) in [
            (PagemapEntry::PRESENT, PageAttributes::RESIDENT),
            (PagemapEntry::SWAPPED, PageAttributes::SWAPPED),
            (PagemapEntry::FILE, PageAttributes::FILE),
            (PagemapEntry::SOFT_DIRTY, PageAttributes::SOFT_DIRTY),
            (
                PagemapEntry::WRITE_PROTECTED,
                PageAttributes::WRITE_PROTECTED,
            ),
            (PagemapEntry::GUARD, PageAttributes::GUARD),
        ] {
            attributes.set(attribute, flags.contains(flag));
        }
        if PagemapEntry::is_in_no_page_file(entry) {
            attributes.remove(PageAttributes::SWAPPED);
            attributes.set(PageAttributes::RESIDENT, PagemapEntry::is_moving(entry));
        }
        attributes
    }
}
