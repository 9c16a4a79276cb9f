//! Runs of equal pages, in the stored and in the public form.

use std::ops::Range;

use crate::mapping::Mapping;
use crate::page::{Page, PageAttributes, ShareCount};

/// The access to a page that its mapping permits, in the terms of the Windows API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Protection {
    /// No access.
    NoAccess,
    /// Read.
    ReadOnly,
    /// Execute.
    Execute,
    /// Execute and read.
    ExecuteRead,
    /// Read and write. Includes private memory without a file that was only read so far.
    ReadWrite,
    /// Read and write, where the first write gives the process its own copy of the file's page.
    CopyOnWrite,
    /// Execute, read and write.
    ExecuteReadWrite,
    /// Execute, read and write, where the first write gives the process its own copy of the file's
    /// page.
    ExecuteCopyOnWrite,
}

impl Protection {
    /// Returns the protection of a page with these attributes in a mapping.
    pub(crate) fn of(mapping: &Mapping, attributes: PageAttributes) -> Self {
        // Memory without a file that was only read so far is the shared zero page. Its owner asked
        // for memory to write to, so the page has that protection. In the mapping of a file, a zero
        // page is a hole of the file.
        let is_hole = attributes.contains(PageAttributes::ZERO) && mapping.backing.path().is_some();
        let copies = !mapping.shared && (attributes.contains(PageAttributes::FILE) || is_hole);
        match (mapping.executable, mapping.writable, mapping.readable) {
            (false, false, false) => Protection::NoAccess,
            (false, false, true) => Protection::ReadOnly,
            (true, false, false) => Protection::Execute,
            (true, false, true) => Protection::ExecuteRead,
            (false, true, _) if copies => Protection::CopyOnWrite,
            (false, true, _) => Protection::ReadWrite,
            (true, true, _) if copies => Protection::ExecuteCopyOnWrite,
            (true, true, _) => Protection::ExecuteReadWrite,
        }
    }
}

/// A run of neighboring pages of one mapping that have equal attributes, share counts and nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageRun<'a> {
    /// The first address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
    /// The attributes of each page.
    pub attributes: PageAttributes,
    /// The number of mappings that contain each page. `None` if the pages are not shareable or not
    /// in memory, or if share counts were not requested.
    pub shares: Option<ShareCount>,
    /// The NUMA node of each page. `None` if the pages are not in memory, or if the kernel does not
    /// report their node.
    pub node: Option<u16>,
    /// The mapping that contains the run.
    pub mapping: &'a Mapping,
}

impl PageRun<'_> {
    /// Returns the size of the run in bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Returns the access that the mapping permits to the pages.
    pub fn protection(&self) -> Protection {
        Protection::of(self.mapping, self.attributes)
    }

    /// Returns true if the process's counters include the pages in its working set (`VmRSS`). They
    /// do if the pages are in memory and are not zero pages, hugetlb pages or device memory.
    pub fn is_counted(&self) -> bool {
        self.attributes.contains(PageAttributes::RESIDENT) && !self.attributes.intersects(UNCOUNTED)
    }
}

/// Attributes of resident pages that no counter includes.
pub(crate) const UNCOUNTED: PageAttributes = PageAttributes::ZERO
    .union(PageAttributes::HUGETLB)
    .union(PageAttributes::SPECIAL);

impl Page {
    /// Creates a run of pages like this one.
    pub(crate) fn run(self, range: Range<u64>, mapping: &Mapping) -> PageRun<'_> {
        PageRun {
            start: range.start,
            end: range.end,
            attributes: self.attributes,
            shares: self.shares.count(),
            node: Some(self.node).filter(|&node| node != Self::NO_NODE),
            mapping,
        }
    }
}

/// The stored form of a run, in 24 bytes. It counts pages and refers to its mapping by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    start: u64,
    pages: u32,
    mapping: u32,
    page: Page,
}

impl Run {
    pub(crate) fn new(start: u64, pages: u32, mapping: usize, page: Page) -> Self {
        Run {
            start,
            pages,
            mapping: mapping as u32,
            page,
        }
    }

    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    pub(crate) fn page(&self) -> Page {
        self.page
    }

    pub(crate) fn mapping(&self) -> usize {
        self.mapping as usize
    }

    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Expands the run for the caller.
    pub(crate) fn expand<'a>(&self, mappings: &'a [Mapping], page_size: u64) -> PageRun<'a> {
        let end = self.start + u64::from(self.pages) * page_size;
        self.page.run(self.start..end, &mappings[self.mapping()])
    }
}

/// Appends pages of a mapping, and extends the last run if they continue it.
pub(crate) fn push(
    runs: &mut Vec<Run>,
    page_size: u64,
    mapping: usize,
    range: Range<u64>,
    page: Page,
) {
    let mapping = mapping as u32;
    let mut start = range.start;
    let mut rest = (range.end - range.start) / page_size;
    // A run counts its pages in 32 bits. Pages beyond that start another run.
    if let Some(last) = runs.last_mut()
        && (last.mapping, last.page) == (mapping, page)
        && last.start + u64::from(last.pages) * page_size == start
    {
        let more = rest.min(u64::from(u32::MAX - last.pages));
        last.pages += more as u32;
        start += more * page_size;
        rest -= more;
    }
    while rest > 0 {
        let pages = rest.min(u64::from(u32::MAX));
        if runs.len() == runs.capacity() {
            // Grow by an eighth. Doubling would waste much memory for a large process.
            runs.reserve_exact((runs.len() / 8).max(64));
        }
        runs.push(Run {
            start,
            pages: pages as u32,
            mapping,
            page,
        });
        start += pages * page_size;
        rest -= pages;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Backing;
    use crate::page::Shares;

    fn mapping(access: &str) -> Mapping {
        Mapping {
            start: 0x10000,
            end: 0x20000,
            readable: access.contains('r'),
            writable: access.contains('w'),
            executable: access.contains('x'),
            shared: access.contains('s'),
            offset: Some(0),
            file: None,
            backing: Backing::Heap,
        }
    }

    #[test]
    fn push_extends_run_of_equal_pages() {
        let here = Page::new(PageAttributes::RESIDENT);
        let twice = Page {
            shares: Shares::exactly(2),
            ..here
        };
        let mut runs = Vec::new();
        for (start, end, mapping, page) in [
            (0x1000, 0x2000, 0, here),
            (0x2000, 0x4000, 0, here),
            (0x4000, 0x5000, 0, twice),
            (0x5000, 0x6000, 1, twice),
            (0x7000, 0x8000, 1, twice),
        ] {
            push(&mut runs, 0x1000, mapping, start..end, page);
        }
        let mappings = [mapping("rw"), mapping("rw")];
        let runs: Vec<_> = runs
            .iter()
            .map(|run| (run.expand(&mappings, 0x1000), run.mapping()))
            .map(|(run, mapping)| (run.start, run.end, mapping, run.shares))
            .collect();
        let twice = Some(ShareCount::Exactly(2));
        assert_eq!(
            runs,
            [
                (0x1000, 0x4000, 0, None),
                (0x4000, 0x5000, 0, twice),
                (0x5000, 0x6000, 1, twice),
                (0x7000, 0x8000, 1, twice),
            ]
        );
    }

    #[test]
    fn run_beyond_u32_pages_is_split() {
        let here = Page::new(PageAttributes::RESIDENT);
        let mappings = [mapping("rw")];
        let max = u64::from(u32::MAX) * 4096;
        for first in [4096, max + 8192] {
            let mut runs = Vec::new();
            push(&mut runs, 4096, 0, 0..first, here);
            push(&mut runs, 4096, 0, first..max + 8192, here);
            let runs: Vec<_> = runs.iter().map(|run| run.expand(&mappings, 4096)).collect();
            assert_eq!((runs[0].start, runs[0].end), (0, max));
            assert_eq!((runs[1].start, runs[1].end), (max, max + 8192));
        }
    }

    #[test]
    fn run_takes_24_bytes() {
        assert_eq!(size_of::<Run>(), 24);
    }

    #[test]
    fn file_hole_is_copied_on_write() {
        let mut mapping = mapping("rw");
        mapping.backing = Backing::File {
            path: "/data".into(),
            deleted: false,
        };
        let hole = PageAttributes::RESIDENT | PageAttributes::ZERO;
        assert_eq!(Protection::of(&mapping, hole), Protection::CopyOnWrite);
        mapping.shared = true;
        assert_eq!(Protection::of(&mapping, hole), Protection::ReadWrite);
    }

    #[test]
    fn protection_combines_mapping_and_page() {
        use Protection::*;
        let (own, file) = (PageAttributes::RESIDENT, PageAttributes::FILE);
        for (access, attributes, expected) in [
            ("", own, NoAccess),
            ("r", file, ReadOnly),
            ("x", file, Execute),
            ("rx", file, ExecuteRead),
            ("rw", own, ReadWrite),
            ("w", own, ReadWrite),
            ("rw", file, CopyOnWrite),
            ("rw", PageAttributes::ZERO, ReadWrite),
            ("rwx", PageAttributes::ZERO, ExecuteReadWrite),
            ("rws", file, ReadWrite),
            ("rwx", own, ExecuteReadWrite),
            ("rwx", file, ExecuteCopyOnWrite),
            ("rwxs", file, ExecuteReadWrite),
        ] {
            assert_eq!(
                Protection::of(&mapping(access), attributes),
                expected,
                "{access}"
            );
        }
    }
}
