//! The state of a walk over pages, and the parts that both strategies share.

use std::ops::Range;

use rustix::io::Errno;

use super::patience::Patience;
use crate::error::SourceError;
use crate::page::{Page, PageAttributes};
use crate::process_id::ProcessId;
use crate::sys::linux::calls::pagemap_scan::{ScanBuffer, Scanner};
use crate::sys::linux::pages::areas::VmaHints;
use crate::sys::linux::proc::kpage::Kpage;
use crate::sys::linux::proc::pagemap::Pagemap;
use crate::sys::linux::sysfs::numa;
use crate::working_set::options::ShareScope;

/// The number of `pagemap` entries per read.
///
/// A multiple of the huge page size on every architecture, and enough that the frames of
/// neighboring pages are looked up together. The kernel data that one block touches is then still
/// in the CPU's cache.
pub(super) const BLOCK: u64 = 1 << 14;

/// Attributes that follow from the mapping, or from the state of the machine, so that the scan need
/// not report them.
const BY_MAPPING: PageAttributes = PageAttributes::HUGETLB
    .union(PageAttributes::SPECIAL)
    .union(PageAttributes::LOCKED)
    .union(PageAttributes::BAD);

/// A page is worth reporting if it has at least one of these. Every other page is absent.
pub(super) const REPORTED: PageAttributes = PageAttributes::RESIDENT
    .union(PageAttributes::SWAPPED)
    .union(PageAttributes::GUARD);

/// The source of the NUMA nodes of pages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NodeSource {
    /// The machine has memory on one node only.
    Only(u16),
    /// `move_pages` reports the nodes for the process with this id.
    MovePages(ProcessId),
    /// The nodes cannot be determined.
    Unknown,
}

/// The input of a walk, and the files that it may use.
pub(crate) struct WalkRequest<'a> {
    pub(crate) pagemap: &'a Pagemap<'a>,
    pub(crate) page_size: u64,
    /// One for each mapping, by ascending address.
    pub(crate) hints: &'a [VmaHints],
    pub(crate) shares: ShareScope,
    /// `None` if share counts are not requested, or the caller cannot open `kpagecount`.
    pub(crate) kpagecount: Option<Kpage>,
    /// `None` if frame flags are not needed, or the caller cannot open `kpageflags`.
    pub(crate) kpageflags: Option<Kpage>,
    /// Whether some of the machine's memory is broken.
    pub(crate) has_bad_memory: bool,
    /// Whether the kernel has guard pages, but their entries do not show it.
    pub(crate) hides_guards: bool,
    pub(crate) nodes: NodeSource,
    /// Called with the number of bytes found since the last call. An error stops the walk.
    pub(crate) progress: &'a mut dyn FnMut(u64) -> Result<(), SourceError>,
}

/// Calls `sink` with each run of equal pages in ascending ranges: the index of the mapping, the
/// address range, and the page. Returns the attributes that are known for all these pages.
///
/// Without a scanner, pages are read entry by entry. A range should then cover whole mappings. For
/// a part of one, huge pages are unknown, and so are zero pages if the caller cannot read frame
/// flags.
pub(crate) fn walk(
    request: WalkRequest<'_>,
    scanner: Option<Scanner>,
    ranges: impl IntoIterator<Item = Range<u64>>,
    sink: impl FnMut(usize, Range<u64>, Page),
) -> Result<PageAttributes, SourceError> {
    let mut known = scanner.map_or(PageAttributes::all(), |scanner| scanner.known());
    known |= BY_MAPPING;
    if request.has_bad_memory && request.kpageflags.is_none() {
        known.remove(PageAttributes::BAD);
    }
    let mut walker = PageWalker {
        request,
        next_hint: 0,
        entries: Vec::new(),
        frames: Vec::new(),
        frame_pages: Vec::new(),
        scan_buffer: ScanBuffer::default(),
        uffd_protection: None,
        patience: Patience::new(),
        unreported: 0,
        known,
        sink,
    };
    for range in ranges {
        match scanner {
            Some(scanner) => walker.scan(scanner, range)?,
            None => walker.read(range)?,
        }
    }
    Ok(walker.known)
}

/// Fails with `ESRCH` if the address space that `pagemap` belongs to is gone, because the results
/// of a walk might then be incomplete.
pub(crate) fn check_address_space(pagemap: &Pagemap<'_>) -> Result<(), SourceError> {
    match pagemap.read(0, &mut [0]) {
        Err(error) if error.is(Errno::SRCH) => Err(error),
        _ => Ok(()),
    }
}

/// The state of a walk.
pub(super) struct PageWalker<'a, F> {
    pub(super) request: WalkRequest<'a>,
    /// The index of the first mapping that the rest of the walk can reach.
    next_hint: usize,
    /// The block of `pagemap` entries that was read last.
    pub(super) entries: Vec<u64>,
    /// Frame numbers to look up, and then the results.
    pub(super) frames: Vec<u64>,
    /// For each of `frames`, the index of its page in `entries`.
    pub(super) frame_pages: Vec<usize>,
    pub(super) scan_buffer: ScanBuffer,
    /// Whether userfaultfd write-protects pages of a mapping, cached for the last mapping that was
    /// checked.
    pub(super) uffd_protection: Option<(usize, bool)>,
    /// The time left to wait for pages that the kernel moves.
    pub(super) patience: Patience,
    /// Bytes that the scan found since the last call of `progress`.
    pub(super) unreported: u64,
    /// The attributes that are known for all pages so far.
    pub(super) known: PageAttributes,
    sink: F,
}

impl<F: FnMut(usize, Range<u64>, Page)> PageWalker<'_, F> {
    /// Removes the next part that lies in one mapping from the front of a range.
    pub(super) fn next_part(&mut self, range: &mut Range<u64>) -> Option<(usize, Range<u64>)> {
        let hints = self.request.hints;
        while hints.get(self.next_hint)?.end <= range.start {
            self.next_hint += 1;
        }
        let hint = &hints[self.next_hint];
        let part = range.start.max(hint.start)..range.end.min(hint.end);
        range.start = part.end.max(range.start);
        (!part.is_empty()).then_some((self.next_hint, part))
    }

    /// Passes a run to the sink, split by NUMA node.
    pub(super) fn emit(&mut self, index: usize, run: Range<u64>, mut page: Page) {
        let has_node = page.attributes.contains(PageAttributes::RESIDENT)
            && !page.attributes.contains(PageAttributes::SPECIAL);
        match self.request.nodes {
            NodeSource::Only(node) if has_node => page.node = node,
            NodeSource::MovePages(process) if has_node => {
                let size = self.request.page_size;
                numa::of_pages(process, run.step_by(size as usize), |address, node| {
                    page.node = node.unwrap_or(Page::NO_NODE);
                    (self.sink)(index, address..address + size, page);
                });
                return;
            }
            _ => {}
        }
        (self.sink)(index, run, page);
    }
}

/// Groups equal neighboring pages into runs.
pub(super) fn equal_runs(
    start: u64,
    page_size: u64,
    pages: &[Page],
) -> impl Iterator<Item = (Range<u64>, Page)> {
    let mut address = start;
    pages.chunk_by(|a, b| a == b).map(move |equal| {
        let first = address;
        address += equal.len() as u64 * page_size;
        (first..address, equal[0])
    })
}

/// Appends a run, or extends the last run if the new one continues it.
pub(super) fn merge(runs: &mut Vec<(Range<u64>, Page)>, run: Range<u64>, page: Page) {
    match runs.last_mut() {
        Some((last, of)) if last.end == run.start && *of == page => last.end = run.end,
        _ => runs.push((run, page)),
    }
}

/// Returns the number of bytes in the runs that match a predicate.
pub(super) fn total(runs: &[(Range<u64>, Page)], matches: impl Fn(&Page) -> bool) -> u64 {
    let matching = runs.iter().filter(|(_, page)| matches(page));
    matching.map(|(run, _)| run.end - run.start).sum()
}
