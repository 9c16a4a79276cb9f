//! Properties that only the frame of a page shows: its share count, whether its memory is broken,
//! and whether it is a zero page.
//!
//! Frames are looked up in `kpagecount` and `kpageflags`, which only a privileged caller can open.
//! Without them, share counts fall back to the "mapped once" flag of the entry.

use std::ops::Range;

use super::walker::{PageWalker, equal_runs, merge, total};
use crate::error::SourceError;
use crate::page::{Page, PageAttributes, Shares};
use crate::sys::linux::pages::areas::VmaHints;
use crate::sys::linux::proc::kpage::FrameFlags;
use crate::sys::linux::proc::pagemap::PagemapEntry;
use crate::working_set::options::ShareScope;

impl<F: FnMut(usize, Range<u64>, Page)> PageWalker<'_, F> {
    /// Adds share counts and broken memory to the pages of the last block of entries.
    pub(super) fn look_up_frames(&mut self, pages: &mut [Page]) {
        let is_present = |entry: u64| entry & PagemapEntry::PRESENT.bits() != 0;
        if self.request.has_bad_memory
            && let Some(kpageflags) = &mut self.request.kpageflags
        {
            let frames = self
                .entries
                .iter()
                .map(|&entry| PagemapEntry::frame(entry).unwrap_or(0));
            self.frames.clear();
            self.frames.extend(frames);
            if kpageflags.look_up(&mut self.frames).is_ok() {
                for ((page, &entry), &flags) in
                    pages.iter_mut().zip(&self.entries).zip(&self.frames)
                {
                    let flags = FrameFlags::from_bits_truncate(flags);
                    let is_bad = is_present(entry) && flags.contains(FrameFlags::HWPOISON);
                    page.attributes.set(PageAttributes::BAD, is_bad);
                }
            } else {
                self.known.remove(PageAttributes::BAD);
            }
        }

        // The entry alone shows whether a page is mapped once. Exact counts are looked up only for
        // other pages, and only if the caller can see frame numbers.
        self.frame_pages.clear();
        self.frames.clear();
        for (at, &entry) in self.entries.iter().enumerate() {
            if !is_present(entry) || !self.wants_shares(pages[at].attributes) {
                continue;
            }
            if entry & PagemapEntry::EXCLUSIVE.bits() != 0 {
                pages[at].shares = Shares::exactly(1);
                continue;
            }
            pages[at].shares = Shares::MORE_THAN_ONE;
            if self.request.kpagecount.is_some()
                && let Some(frame) = PagemapEntry::frame(entry)
            {
                self.frame_pages.push(at);
                self.frames.push(frame);
            }
        }
        if let Some(kpagecount) = &mut self.request.kpagecount
            && kpagecount.look_up(&mut self.frames).is_ok()
        {
            // A page with the count 0 was unmapped after its entry was read. What the entry shows
            // stays the best answer.
            for (&at, &count) in self.frame_pages.iter().zip(&self.frames) {
                if count > 0 {
                    pages[at].shares = Shares::exactly(count);
                }
            }
        }
    }

    /// Returns true if the request includes the share count of a page. Device pages and zero pages
    /// have none.
    fn wants_shares(&self, attributes: PageAttributes) -> bool {
        let in_scope = match self.request.shares {
            ShareScope::None => false,
            ShareScope::Shareable => attributes.contains(PageAttributes::FILE),
            ShareScope::All => true,
        };
        let uncounted = PageAttributes::SPECIAL | PageAttributes::ZERO;
        in_scope
            && attributes.contains(PageAttributes::RESIDENT)
            && !attributes.intersects(uncounted)
    }

    /// Finds the zero pages of a mapping.
    ///
    /// Entries do not distinguish zero pages, but `smaps` does not count them. Equal sums therefore
    /// prove that there are none. Otherwise the frame flags decide. Without frame flags, zero pages
    /// stay unknown.
    pub(super) fn mark_zero_pages(
        &mut self,
        hint: &VmaHints,
        found: &mut Vec<(Range<u64>, Page)>,
    ) -> Result<(), SourceError> {
        let has = |page: &Page, attribute| page.attributes.contains(attribute);
        let may_be_zero = |page: &Page| {
            has(page, PageAttributes::RESIDENT) && !has(page, PageAttributes::SPECIAL)
        };
        let resident = total(found, may_be_zero);
        if hint
            .counts
            .is_some_and(|counts| counts.resident == resident)
            || resident == 0
        {
            return Ok(());
        }
        if self.request.kpageflags.is_none() {
            self.known.remove(PageAttributes::ZERO);
            // If the surplus over `smaps` is large enough, and a run has room, it can be a huge
            // zero page. `smaps` does not count such a page as huge, so `check_huge` would not
            // notice it.
            let huge = self.request.page_size * self.pages_in_huge() as u64;
            let counted = hint.counts.map_or(0, |counts| counts.resident);
            let has_room = |run: &Range<u64>| run.start.next_multiple_of(huge) + huge <= run.end;
            if resident.saturating_sub(counted) >= huge
                && found
                    .iter()
                    .any(|(run, page)| may_be_zero(page) && has_room(run))
            {
                self.known.remove(PageAttributes::HUGE);
            }
            return Ok(());
        }
        // Read the entries of all candidates again, and split their runs by the frame flags.
        for (run, page) in std::mem::take(found) {
            if !may_be_zero(&page) {
                merge(found, run, page);
                continue;
            }
            let mut rest = run;
            while let Some(start) = self.next_entries(&mut rest)? {
                let count = self.entries.len();
                let mut pages = vec![page; count];
                self.frames.clear();
                let frame = |&entry| PagemapEntry::frame(entry).unwrap_or(0);
                self.frames.extend(self.entries.iter().map(frame));
                if let Some(kpageflags) = &mut self.request.kpageflags
                    && kpageflags.look_up(&mut self.frames).is_err()
                {
                    self.known.remove(PageAttributes::ZERO);
                }
                let is_zero = |at: usize| {
                    let flags = self.frames.get(at).copied().unwrap_or(0);
                    FrameFlags::from_bits_truncate(flags).contains(FrameFlags::ZERO_PAGE)
                };
                for at in (0..count).filter(|&at| is_zero(at)) {
                    // All small zero pages share one frame, but a huge zero page has a frame for
                    // each of its pages.
                    let is_huge = [at.wrapping_sub(1), at + 1].into_iter().any(|next| {
                        is_zero(next) && frame(&self.entries[next]) != frame(&self.entries[at])
                    });
                    become_zero(&mut pages[at], is_huge);
                }
                for (run, page) in equal_runs(start, self.request.page_size, &pages) {
                    merge(found, run, page);
                }
            }
        }
        Ok(())
    }
}

/// Turns a page into a zero page.
fn become_zero(page: &mut Page, is_huge: bool) {
    page.attributes.remove(PageAttributes::FILE);
    page.attributes.insert(PageAttributes::ZERO);
    page.attributes.set(PageAttributes::HUGE, is_huge);
    page.shares = Shares::NONE;
}
