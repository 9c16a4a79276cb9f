//! The strategy since Linux 6.7: `PAGEMAP_SCAN` reports runs of equal pages.
//!
//! A range of many mappings is scanned in few calls. Entries are read afterwards, but only for runs
//! whose share counts are requested or whose pages the scan cannot classify.

use std::ops::Range;

use super::walker::{BLOCK, PageWalker, REPORTED, equal_runs};
use crate::error::SourceError;
use crate::page::{Page, PageAttributes};
use crate::sys::linux::calls::pagemap_scan::{ScanItem, Scanner};
use crate::sys::linux::pages::areas::VmaHints;
use crate::sys::linux::proc::pagemap::PagemapEntry;
use crate::working_set::options::ShareScope;

/// The number of pages per scan call. One call takes the kernel a few milliseconds.
const MAX_STEP: u64 = 1 << 20;

/// The parameters of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ScanParameters {
    /// The maximum number of found pages per call.
    step: u64,
    /// Whether the scan distinguishes file pages from others, which is slow.
    files: bool,
}

impl<F: FnMut(usize, Range<u64>, Page)> PageWalker<'_, F> {
    /// Scans a range, which can span several mappings.
    pub(super) fn scan(&mut self, scanner: Scanner, range: Range<u64>) -> Result<(), SourceError> {
        let hints = self.request.hints;
        let first = hints.partition_point(|hint| hint.end <= range.start);
        let count = hints[first..].partition_point(|hint| hint.start < range.end);
        let hints = &hints[first..first + count];
        let parameters: Vec<_> = hints
            .iter()
            .map(|hint| self.scan_parameters(hint))
            .collect();
        // Neighboring mappings with equal parameters are scanned together.
        let mut at = 0;
        for equal in parameters.chunk_by(|a, b| a == b) {
            let start = hints[at].start.max(range.start);
            at += equal.len();
            let end = hints[at - 1].end.min(range.end);
            self.scan_with(scanner, start..end, equal[0])?;
        }
        Ok(())
    }

    /// Chooses the parameters for a mapping.
    ///
    /// The steps are small if the entries of the found pages are read next, so that the kernel's
    /// data is still cached. Small mappings all get the same parameters, so that they are scanned
    /// together with their neighbors.
    fn scan_parameters(&self, hint: &VmaHints) -> ScanParameters {
        let is_small = (hint.end - hint.start) / self.request.page_size < BLOCK;
        let step = if is_small || self.needs_entries(hint) {
            BLOCK
        } else {
            MAX_STEP
        };
        // Entries have the file flag, so the scan need not find it if they are read anyway.
        let reads_entries = self.request.shares != ShareScope::None;
        ScanParameters {
            step,
            files: !reads_entries && (is_small || hint.has_file),
        }
    }

    fn scan_with(
        &mut self,
        scanner: Scanner,
        range: Range<u64>,
        ScanParameters { step, files }: ScanParameters,
    ) -> Result<(), SourceError> {
        let pagemap = self.request.pagemap;
        let mut buffer = std::mem::take(&mut self.scan_buffer);
        let on_found = |item| match item {
            ScanItem::Run(mut run, attributes) => {
                while let Some((index, part)) = self.next_part(&mut run) {
                    self.on_found(scanner, index, part, attributes)?;
                }
                Ok(())
            }
            ScanItem::StepDone => (self.request.progress)(std::mem::take(&mut self.unreported)),
        };
        scanner.scan(pagemap, range, step, files, &mut buffer, on_found)?;
        self.scan_buffer = buffer;
        Ok(())
    }

    /// Returns true if the entries of a mapping's pages are read after the scan.
    fn needs_entries(&self, hint: &VmaHints) -> bool {
        match self.request.shares {
            _ if self.request.has_bad_memory => true,
            ShareScope::None => false,
            ShareScope::Shareable => hint.has_file,
            ShareScope::All => true,
        }
    }

    /// Emits a run that the scan found.
    fn on_found(
        &mut self,
        scanner: Scanner,
        index: usize,
        part: Range<u64>,
        attributes: PageAttributes,
    ) -> Result<(), SourceError> {
        if looks_swapped(attributes) {
            self.on_swapped(scanner, index, part, attributes)
        } else {
            self.on_definite(index, part, attributes)
        }
    }

    /// Emits a run that the scan reports as swapped. Its pages are in a page file or moving, or
    /// absent and marked. Their entries distinguish that.
    fn on_swapped(
        &mut self,
        scanner: Scanner,
        index: usize,
        part: Range<u64>,
        attributes: PageAttributes,
    ) -> Result<(), SourceError> {
        let hint = self.request.hints[index];
        let mut rest = part;
        while let Some(mut address) = self.next_entries(&mut rest)? {
            self.settle(&hint, address)?;
            let entries = std::mem::take(&mut self.entries);
            let show = |walker: &Self, entry: u64| {
                let is_present = entry & PagemapEntry::PRESENT.bits() != 0;
                // The scan does not report all attributes on every kernel.
                let shown = walker.attributes(entry) & (walker.known | REPORTED);
                (is_present, shown)
            };
            let mut at = 0;
            while let Some(&entry) = entries.get(at) {
                let (is_present, mut shown) = show(self, entry);
                let is_equal = |&&entry: &&u64| show(self, entry) == (is_present, shown);
                let count = entries[at..].iter().take_while(is_equal).count();
                let run = address..address + count as u64 * self.request.page_size;
                (at, address) = (at + count, run.end);
                if is_present {
                    self.scan_again(scanner, index, run, shown)?;
                    continue;
                }
                if shown.contains(PageAttributes::RESIDENT) {
                    shown |= attributes & PageAttributes::HUGE;
                }
                self.emit_reported(index, run, Page::new(hint.complete(shown)));
            }
            self.entries = entries;
        }
        Ok(())
    }

    /// Scans a run again that the first scan reported as swapped, but whose pages are in memory
    /// now. Entries show the attributes `shown`, but neither huge pages nor zero pages.
    fn scan_again(
        &mut self,
        scanner: Scanner,
        index: usize,
        run: Range<u64>,
        shown: PageAttributes,
    ) -> Result<(), SourceError> {
        let mut found = Vec::new();
        let mut buffer = std::mem::take(&mut self.scan_buffer);
        let on_found = |item| {
            if let ScanItem::Run(run, attributes) = item {
                found.push((run, attributes));
            }
            Ok(())
        };
        scanner.scan(
            self.request.pagemap,
            run,
            BLOCK,
            true,
            &mut buffer,
            on_found,
        )?;
        self.scan_buffer = buffer;
        for (run, attributes) in found {
            if looks_swapped(attributes) {
                // The kernel moves the page again, or has just evicted it.
                let hint = self.request.hints[index];
                let shown = hint.complete(shown | attributes & PageAttributes::HUGE);
                self.emit_reported(index, run, Page::new(shown));
            } else {
                self.on_definite(index, run, attributes)?;
            }
        }
        Ok(())
    }

    /// Emits a run of pages in memory or in a guard region, after reading its entries if they add
    /// something.
    fn on_definite(
        &mut self,
        index: usize,
        part: Range<u64>,
        mut attributes: PageAttributes,
    ) -> Result<(), SourceError> {
        let hint = self.request.hints[index];
        if attributes.contains(PageAttributes::WRITE_PROTECTED)
            && !self.has_uffd_protection(index, part.start)?
        {
            attributes.remove(PageAttributes::WRITE_PROTECTED);
        }
        let page = Page::new(hint.complete(attributes));
        if !self.needs_entries(&hint) || page.attributes.contains(PageAttributes::ZERO) {
            self.emit_reported(index, part, page);
            return Ok(());
        }
        let mut rest = part;
        while let Some(start) = self.next_entries(&mut rest)? {
            self.settle(&hint, start)?;
            let complete = |&entry: &u64| {
                let current = PagemapEntry::attributes(entry);
                if current.intersects(REPORTED) {
                    hint.complete(attributes | current & PageAttributes::FILE)
                } else {
                    // The page was unmapped after the scan.
                    PageAttributes::empty()
                }
            };
            let mut pages: Vec<Page> = self.entries.iter().map(complete).map(Page::new).collect();
            self.look_up_frames(&mut pages);
            for (run, page) in equal_runs(start, self.request.page_size, &pages) {
                self.emit_reported(index, run, page);
            }
        }
        Ok(())
    }

    /// Emits a run unless its pages are absent.
    fn emit_reported(&mut self, index: usize, run: Range<u64>, page: Page) {
        if page.attributes.intersects(REPORTED) {
            self.unreported += run.end - run.start;
            self.emit(index, run, page);
        }
    }

    /// Returns true if userfaultfd write-protects pages of a mapping, judged by the entry of a page
    /// that the scan does not report as written.
    ///
    /// Some kernels, such as 7.3, report no page as written in mappings without userfaultfd.
    fn has_uffd_protection(&mut self, index: usize, page: u64) -> Result<bool, SourceError> {
        if let Some((cached, is_protected)) = self.uffd_protection
            && cached == index
        {
            return Ok(is_protected);
        }
        let mut entry = [0];
        self.request.pagemap.read(page, &mut entry)?;
        let entry = PagemapEntry::from_bits_truncate(entry[0]);
        let is_protected = entry.contains(PagemapEntry::WRITE_PROTECTED);
        self.uffd_protection = Some((index, is_protected));
        Ok(is_protected)
    }
}

/// Returns true if a scan reports a page as swapped. Guard pages can have this flag too.
fn looks_swapped(attributes: PageAttributes) -> bool {
    let guard_or_swapped = PageAttributes::SWAPPED | PageAttributes::GUARD;
    attributes & guard_or_swapped == PageAttributes::SWAPPED
}
