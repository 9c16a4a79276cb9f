//! The address space of a process, prepared for a walk over its pages.

use std::ops::{ControlFlow, Range};

use rustix::io::Errno;

use super::areas::{VmaHints, add_hugetlb, add_smaps};
use super::walker::{self, NodeSource, WalkRequest};
use crate::error::SourceError;
use crate::mapping::Mapping;
use crate::page::{Page, PageAttributes};
use crate::sys::linux::calls::pagemap_scan::Scanner;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::kpage::Kpage;
use crate::sys::linux::proc::meminfo::{self, Meminfo};
use crate::sys::linux::proc::pagemap::Pagemap;
use crate::sys::linux::proc::smaps;
use crate::sys::linux::proc::status;
use crate::sys::linux::process::Process;
use crate::working_set::options::{Progress, ShareScope};

/// Attributes that only some kernels report. Nothing in a page's entry shows whether the kernel
/// does.
const OPTIONAL_ATTRIBUTES: PageAttributes = PageAttributes::SOFT_DIRTY.union(PageAttributes::GUARD);

/// An open `pagemap` with the mappings to walk and the facts that the walk needs.
pub(super) struct PageSource<'p> {
    process: &'p Process,
    pagemap: Pagemap<'p>,
    scanner: Option<Scanner>,
    pub(super) page_size: u64,
    pub(super) mappings: Vec<Mapping>,
    /// One for each mapping.
    hints: Vec<VmaHints>,
    /// The size in bytes that the process's counters report.
    expected: u64,
    /// Whether the machine has broken memory; `None` if the kernel does not report it.
    has_bad_memory: Option<bool>,
    /// The size of the machine's memory, in bytes.
    machine_memory: u64,
}

impl<'p> PageSource<'p> {
    /// Opens the address space, and calls `list` for the mappings to walk.
    pub(super) fn open(
        process: &'p Process,
        directory: &'p Dir,
        list: impl FnOnce(&mut Vec<Mapping>) -> Result<(), SourceError>,
    ) -> Result<Self, SourceError> {
        let page_size = rustix::param::page_size() as u64;
        // Opened before the mappings are listed. If the process calls `execve` in between, reads of
        // this file fail instead of describing pages of other mappings.
        let pagemap = Pagemap::open(directory, page_size)?;
        let mut mappings = Vec::new();
        list(&mut mappings)?;
        // The vsyscall page in the kernel's half of the address space belongs to no process.
        mappings.retain(|mapping| i64::try_from(mapping.end).is_ok());

        let system = process.system();
        let mut text = Vec::new();
        let machine = meminfo::read(system.proc_directory()?, &mut text).ok();
        let status = status::read(directory, &mut text)?;
        let Some(counters) = status.memory else {
            return Err(pagemap.error(Errno::SRCH));
        };
        let hugetlb = counters.hugetlb_pages.unwrap_or(0);
        let scanner = if system.may_scan_pages() {
            Scanner::new(&pagemap)
        } else {
            None
        };
        let has_page_file = machine.is_none_or(|machine| machine.swap_total > 0);
        let hint = |mapping| VmaHints::new(mapping, has_page_file);
        let mut hints: Vec<VmaHints> = mappings.iter().map(hint).collect();
        // `smaps` is slow to read. It is read only if entries need its sums, or if some memory is
        // locked: no other file shows that for each mapping.
        if scanner.is_none() || counters.vm_lck > 0 {
            add_smaps(&mut hints, &smaps::read(directory)?, page_size);
        } else if hugetlb > 0 {
            let use_query = process.may_query_maps();
            add_hugetlb(directory, use_query, &mappings, &mut hints, page_size)?;
        }
        let machine_memory = machine.map_or(u64::MAX, |machine| machine.mem_total);
        for hint in &mut hints {
            hint.sparse = !hint.hugetlb && hint.end - hint.start > machine_memory;
        }
        let is_corrupted = |machine: Meminfo| machine.hardware_corrupted.unwrap_or(0) > 0;
        Ok(PageSource {
            process,
            pagemap,
            scanner,
            page_size,
            mappings,
            hints,
            expected: counters.vm_rss + counters.vm_swap + hugetlb,
            has_bad_memory: machine.map(is_corrupted),
            machine_memory,
        })
    }

    fn can_scan(&self) -> bool {
        self.scanner.is_some()
    }

    /// Returns true if a mapping must be walked as a whole, because the sums of its entries are
    /// checked against `smaps`.
    ///
    /// In a mapping larger than the machine's memory, reading all entries would take too long. A
    /// part of such a mapping is walked alone, and its huge pages stay unknown.
    pub(super) fn needs_whole(&self, mapping: &Mapping) -> bool {
        !self.can_scan() && mapping.size() <= self.machine_memory
    }

    /// Returns the ranges to walk for all pages, and the attributes that become unknown because the
    /// ranges leave out reserved address space.
    pub(super) fn all_ranges(&self) -> (Vec<Range<u64>>, PageAttributes) {
        if let (true, Some(first), Some(last)) =
            (self.can_scan(), self.hints.first(), self.hints.last())
        {
            let all = first.start..last.end;
            return (vec![all], PageAttributes::empty());
        }
        let mut unknown = PageAttributes::empty();
        let mut ranges = Vec::with_capacity(self.hints.len());
        for hint in &self.hints {
            if hint.is_reservation() {
                // A reservation can hold zero pages and guard pages, which `smaps` does not count.
                unknown |= PageAttributes::ZERO | PageAttributes::GUARD;
            } else {
                ranges.push(hint.start..hint.end);
            }
        }
        (ranges, unknown)
    }

    /// Calls `sink` with each run of equal pages in the ranges: the index of the mapping, the
    /// address range, and the page. Returns the attributes that are known for all pages.
    ///
    /// A range must cover whole mappings if [`needs_whole`](Self::needs_whole) returns true.
    pub(super) fn walk(
        &self,
        shares: ShareScope,
        ranges: impl IntoIterator<Item = Range<u64>>,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
        sink: impl FnMut(usize, Range<u64>, Page),
    ) -> Result<PageAttributes, SourceError> {
        let system = self.process.system();
        let proc = system.proc_directory()?;
        // A caller without the privilege gets fewer attributes, not an error.
        let open_if = |wanted: bool, open: fn(&Dir) -> Result<Kpage, Errno>| {
            wanted.then(|| open(proc).ok()).flatten()
        };
        let has_bad_memory = self.has_bad_memory == Some(true);
        let features = system.page_features();
        let mut found = 0;
        let request = WalkRequest {
            pagemap: &self.pagemap,
            page_size: self.page_size,
            hints: &self.hints,
            shares,
            kpagecount: open_if(shares != ShareScope::None, Kpage::counts),
            kpageflags: open_if(!self.can_scan() || has_bad_memory, Kpage::flags),
            has_bad_memory,
            hides_guards: features.supports_guards
                && !features.reported.contains(PageAttributes::GUARD),
            nodes: self.nodes()?,
            progress: &mut |bytes| {
                found += bytes;
                let so_far = Progress {
                    found,
                    expected: self.expected,
                };
                match progress(so_far) {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(()) => Err(self.pagemap.cancelled()),
                }
            },
        };
        let mut known = walker::walk(request, self.scanner, ranges, sink)?;
        walker::check_address_space(&self.pagemap)?;
        // The test of kernel features needs the caller's own `pagemap`, which the caller cannot
        // open after it changed its user. A scanner that supports guard pages reports them anyway.
        let scanned = self
            .scanner
            .map_or(PageAttributes::empty(), |scanner| scanner.known());
        known &= !OPTIONAL_ATTRIBUTES | features.reported | scanned & PageAttributes::GUARD;
        if !features.supports_guards {
            known.insert(PageAttributes::GUARD);
        }
        if self.has_bad_memory.is_none() {
            known.remove(PageAttributes::BAD);
        }
        Ok(known)
    }

    fn nodes(&self) -> Result<NodeSource, SourceError> {
        if let Some(node) = self.process.system().only_node() {
            return Ok(NodeSource::Only(node));
        }
        let id = self.process.id_for_system_calls()?;
        Ok(id.map_or(NodeSource::Unknown, NodeSource::MovePages))
    }
}
