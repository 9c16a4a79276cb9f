use std::ops::Range;

use crate::mapping::Mapping;

bitflags::bitflags! {
    /// What a page is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct PageAttributes: u16 {
        /// It is in memory.
        const RESIDENT = 1;
        /// It is in a page file, or on its way there or back. Not told of shared memory. On a
        /// machine that has a page file, who lacks `CAP_SYS_ADMIN` is told the same of empty places
        /// that are marked, as userfaultfd does to protect them.
        const SWAPPED = 1 << 1;
        /// It is a page of a file or of shared memory, which others may map, too. A page that is
        /// not is private to the process, or a copy-on-write relation of its fork.
        const FILE = 1 << 2;
        /// It is the page of zeros that all share who have read but not written there. It is
        /// resident, but no working set counts it.
        const ZERO = 1 << 3;
        /// It is part of a huge page that is mapped as one.
        const HUGE = 1 << 4;
        /// It was written to since its process was last marked through `clear_refs`, or since it
        /// came. Told by kernels with `CONFIG_MEM_SOFT_DIRTY`.
        const SOFT_DIRTY = 1 << 5;
        /// It is write-protected through userfaultfd: not written to since. Linux 5.14 and newer
        /// tell it.
        const WRITE_PROTECTED = 1 << 6;
        /// It is part of a guard region (`MADV_GUARD_INSTALL`, Linux 6.13): not in memory, and an
        /// access ends in `SIGSEGV`. Linux 6.13 and 6.14 call it swapped.
        const GUARD = 1 << 7;
        /// It may not leave memory: its mapping is locked (`mlock`).
        const LOCKED = 1 << 8;
        /// It is part of a hugetlb page. It is resident, but no working set counts it.
        const HUGETLB = 1 << 9;
        /// It is a device's, or memory that is no page to the kernel (as that of DAX files). No
        /// working set counts it. Most devices' mappings show no pages at all.
        const SPECIAL = 1 << 10;
        /// Its memory is broken (`HWPOISON`).
        const BAD = 1 << 11;
    }
}

/// Of how many mappings a page is part, all processes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ShareCount {
    /// Of so many.
    Exactly(u32),
    /// Of more than one: `CAP_SYS_ADMIN` would tell how many, for other users than root with
    /// `CAP_DAC_READ_SEARCH`.
    MoreThanOne,
}

/// What may be done with a page, in the terms of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Protection {
    /// Nothing.
    NoAccess,
    /// It may be read.
    ReadOnly,
    /// It may be executed.
    Execute,
    /// It may be executed and read.
    ExecuteRead,
    /// It may be read and written to.
    ReadWrite,
    /// It may be read, and who writes to it gets a copy of its own.
    CopyOnWrite,
    /// It may be executed, read and written to.
    ExecuteReadWrite,
    /// It may be executed and read, and who writes to it gets a copy of its own.
    ExecuteCopyOnWrite,
}

impl Protection {
    /// Of a page with these attributes in a mapping.
    pub(crate) fn of(mapping: &Mapping, attributes: PageAttributes) -> Self {
        let is_anybodys = attributes.intersects(PageAttributes::FILE | PageAttributes::ZERO);
        let copies = is_anybodys && !mapping.shared;
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

/// Neighbouring pages of one mapping that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageRun<'a> {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// What its pages are.
    pub attributes: PageAttributes,
    /// Of how many mappings each of its pages is part. `None` of pages that are not shareable, not
    /// in memory, or where it was not asked for.
    pub shares: Option<ShareCount>,
    /// The NUMA node that its pages are on; `None` of those that are not in memory, and where the
    /// kernel does not tell.
    pub node: Option<u16>,
    /// The mapping that it is part of.
    pub mapping: &'a Mapping,
}

impl PageRun<'_> {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// What may be done with its pages.
    pub fn protection(&self) -> Protection {
        Protection::of(self.mapping, self.attributes)
    }

    /// Whether its pages are in the working set as the process's counters tell it (`VmRSS`): in
    /// memory, and neither of zeros, nor hugetlb pages, nor a device's.
    pub fn is_counted(&self) -> bool {
        self.attributes.contains(PageAttributes::RESIDENT) && !self.attributes.intersects(UNCOUNTED)
    }
}

/// What is in memory but in no counter.
pub(crate) const UNCOUNTED: PageAttributes = PageAttributes::ZERO
    .union(PageAttributes::HUGETLB)
    .union(PageAttributes::SPECIAL);

/// What is known of a page beside its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Page {
    pub(crate) attributes: PageAttributes,
    pub(crate) node: u16,
    pub(crate) shares: Shares,
}

impl Page {
    pub(crate) const NO_NODE: u16 = u16::MAX;

    pub(crate) fn new(attributes: PageAttributes) -> Self {
        Page {
            attributes,
            node: Self::NO_NODE,
            shares: Shares::NONE,
        }
    }

    /// As a run of such pages.
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

/// An `Option<ShareCount>` in four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shares(u32);

impl Shares {
    pub(crate) const NONE: Self = Shares(0);
    pub(crate) const MORE_THAN_ONE: Self = Shares(u32::MAX);

    /// None for a page that was unmapped in the meantime.
    pub(crate) fn exactly(count: u64) -> Self {
        Shares(count.min(u64::from(u32::MAX - 1)) as u32)
    }

    pub(crate) fn count(self) -> Option<ShareCount> {
        match self {
            Self::NONE => None,
            Self::MORE_THAN_ONE => Some(ShareCount::MoreThanOne),
            Shares(count) => Some(ShareCount::Exactly(count)),
        }
    }
}

/// A run as it is kept: pages by their number, the mapping by its index.
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

    pub(crate) fn of<'a>(&self, mappings: &'a [Mapping], page_size: u64) -> PageRun<'a> {
        let end = self.start + u64::from(self.pages) * page_size;
        self.page.run(self.start..end, &mappings[self.mapping()])
    }
}

/// Adds pages of a mapping, joined to the run before where they go on with it.
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
            // Twice the room would be too much for who counts bytes.
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

    fn mapping(access: &str) -> Mapping {
        Mapping {
            start: 0x10000,
            end: 0x20000,
            readable: access.contains('r'),
            writable: access.contains('w'),
            executable: access.contains('x'),
            shared: access.contains('s'),
            offset: 0,
            file: None,
            backing: Backing::Heap,
        }
    }

    #[test]
    fn pages_are_joined_to_their_like() {
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
            .map(|run| (run.of(&mappings, 0x1000), run.mapping()))
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
    fn a_run_of_more_pages_than_a_number_holds_is_two() {
        let here = Page::new(PageAttributes::RESIDENT);
        let mappings = [mapping("rw")];
        let most = u64::from(u32::MAX) * 4096;
        for first in [4096, most + 8192] {
            let mut runs = Vec::new();
            push(&mut runs, 4096, 0, 0..first, here);
            push(&mut runs, 4096, 0, first..most + 8192, here);
            let runs: Vec<_> = runs.iter().map(|run| run.of(&mappings, 4096)).collect();
            assert_eq!((runs[0].start, runs[0].end), (0, most));
            assert_eq!((runs[1].start, runs[1].end), (most, most + 8192));
        }
    }

    #[test]
    fn a_run_takes_24_bytes() {
        assert_eq!(size_of::<Run>(), 24);
    }

    #[test]
    fn protection_is_the_mappings_but_for_pages_that_are_copied_on_write() {
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
            ("rw", PageAttributes::ZERO, CopyOnWrite),
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
