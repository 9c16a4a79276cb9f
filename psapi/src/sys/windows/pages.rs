//! The pages of a process: which are in its working set, and what kind each is.
//!
//! ```text
//!   MemoryBasicInformation         regions, which become mappings
//!                |
//!   MemoryWorkingSetInformation    addresses of the pages in the working set. Where the system
//!                |                 refuses the list: of all committed pages
//!                v
//!   MemoryWorkingSetExInformation  attributes of the pages at these addresses
//! ```
//!
//! The list leaves out large pages, which are resident but belong to no working set. They are found
//! by the first page of each region, and are then asked for one by one.

use std::ops::{ControlFlow, Range};
use std::time::SystemTime;

use super::address_space::{AddressSpace, PAGE_SIZE};
use super::buffer::Buffer;
use super::class::{MemoryClass, ProcessClass};
use super::layouts::memory_basic_information::{MemoryBasicInformation, MemoryState};
use super::layouts::memory_working_set_ex_information::{self as ex, WorkingSetExBlock};
use super::layouts::memory_working_set_information as list;
use super::layouts::reader::Width;
use super::mappings::MappedNames;
use super::nt::{self, Answer};
use super::process::Process;
use crate::error::{ErrorCause, SourceError};
use crate::fields::Fields;
use crate::mapping::Mapping;
use crate::page::{Page, PageAttributes};
use crate::working_set::WorkingSet;
use crate::working_set::identity::Identity;
use crate::working_set::options::{Progress, ShareScope, WorkingSetOptions};
use crate::working_set::page_info::PageInfo;
use crate::working_set::run::{self, Protection, Run};

/// The number of pages per query. Their entries fit into the first size of a [`Buffer`].
const PAGES_PER_QUERY: usize = 4096;

/// What is known of each page.
const KNOWN: PageAttributes = ex::KNOWN.union(PageAttributes::GUARD);

/// Reads the working set.
pub(crate) fn working_set(
    process: &Process,
    options: &WorkingSetOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<WorkingSet, SourceError> {
    let taken_at = SystemTime::now();
    process.check_alive(MemoryClass::MemoryWorkingSetInformation)?;
    let space = AddressSpace::open_to_read(process)?;
    let identity = identity(process)?;
    let regions = Regions::list(space)?;
    let expected = super::memory_counters(process)?.working_set;
    let listed = listed_pages(space)?;
    let scan = Scan::new(space, &regions.regions, options.shares, expected, progress);
    let runs = scan.run(listed.as_deref())?;
    process.check_alive(MemoryClass::MemoryWorkingSetExInformation)?;
    Ok(WorkingSet {
        identity,
        taken_at,
        page_size: PAGE_SIZE,
        mappings: regions.mappings,
        runs,
        known: KNOWN,
    })
}

/// Reads the pages at addresses, in the order of the addresses.
pub(crate) fn query_pages(
    process: &Process,
    addresses: &[u64],
) -> Result<Vec<PageInfo>, SourceError> {
    let space = AddressSpace::open_to_read(process)?;
    // Pairs of an address and its index in the result.
    let mut sorted: Vec<(u64, usize)> = addresses.iter().copied().zip(0..).collect();
    sorted.sort_unstable();
    let unmapped = addresses.iter().copied().map(PageInfo::unmapped);
    let mut pages: Vec<PageInfo> = unmapped.collect();

    let mut names = MappedNames::new(space);
    let mut regions: Vec<(MemoryBasicInformation, Mapping)> = Vec::new();
    let mut mapped = Vec::new();
    let mut reached = 0;
    for (address, index) in sorted {
        if address >= reached {
            let Some(region) = space.region(address)? else {
                break;
            };
            reached = region.end();
            if region.state == MemoryState::Free {
                continue;
            }
            regions.push((region, names.mapping(&region)?));
        }
        // The last region that was found can be before a free one.
        if let Some((region, mapping)) = regions.last()
            && address < region.end()
        {
            let protection = Protection::of(mapping, PageAttributes::empty());
            pages[index].protection = Some(protection);
            if region.state == MemoryState::Committed {
                mapped.push((address, index, regions.len() - 1));
            }
        }
    }

    let mut buffer = Buffer::default();
    for chunk in mapped.chunks(PAGES_PER_QUERY) {
        let starts = chunk.iter().map(|&(address, ..)| page_start(address));
        let blocks = read_blocks(space, &mut buffer, &starts.collect::<Vec<_>>())?;
        for (&(address, index, region), block) in chunk.iter().zip(blocks) {
            let (region, mapping) = &regions[region];
            if let Some(page) = page(region, block, ShareScope::Shareable) {
                let run = page.run(address..address, mapping);
                pages[index] = PageInfo::in_run(address, &run);
            }
        }
    }
    process.check_alive(MemoryClass::MemoryWorkingSetExInformation)?;
    Ok(pages)
}

/// The regions of a process that are not free, and their mappings.
struct Regions {
    regions: Vec<MemoryBasicInformation>,
    mappings: Vec<Mapping>,
}

impl Regions {
    fn list(space: AddressSpace<'_>) -> Result<Self, SourceError> {
        let mut names = MappedNames::new(space);
        let (mut regions, mut mappings) = (Vec::new(), Vec::new());
        for region in space.regions(0) {
            let region = region?;
            mappings.push(names.mapping(&region)?);
            regions.push(region);
        }
        Ok(Regions { regions, mappings })
    }
}

/// A walk over the pages of a process, by ascending address.
struct Scan<'a, 'p> {
    space: AddressSpace<'p>,
    regions: &'a [MemoryBasicInformation],
    scope: ShareScope,
    buffer: Buffer,
    /// Pages that the next query asks for: the region's index, and the address.
    pending: Vec<(usize, u64)>,
    runs: Vec<Run>,
    /// The size of the pages found so far, in bytes.
    found: u64,
    expected: u64,
    progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

impl<'a, 'p> Scan<'a, 'p> {
    fn new(
        space: AddressSpace<'p>,
        regions: &'a [MemoryBasicInformation],
        scope: ShareScope,
        expected: u64,
        progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Self {
        Scan {
            space,
            regions,
            scope,
            buffer: Buffer::default(),
            pending: Vec::new(),
            runs: Vec::new(),
            found: 0,
            expected,
            progress,
        }
    }

    /// Returns the runs of the pages in a list, or of all pages without a list.
    fn run(mut self, listed: Option<&[u64]>) -> Result<Vec<Run>, SourceError> {
        match listed {
            Some(listed) => self.read_listed(listed)?,
            None => self.read_committed()?,
        }
        self.runs.shrink_to_fit();
        Ok(self.runs)
    }

    /// Reads the pages of a list, which ascends. Regions that the list leaves out are read whole.
    fn read_listed(&mut self, listed: &[u64]) -> Result<(), SourceError> {
        let unlisted = self.unlisted_regions()?;
        let mut rest = listed;
        for (index, is_unlisted) in (0..).zip(unlisted) {
            let region = &self.regions[index];
            let range = region.base..region.end();
            let before = rest.partition_point(|&address| address < range.start);
            let within = rest.partition_point(|&address| address < range.end);
            let own = &rest[before..within];
            rest = &rest[within..];
            if is_unlisted {
                self.read_range(index, range)?;
            } else {
                for &address in own {
                    self.push(index, address)?;
                }
            }
        }
        self.read_pending()
    }

    /// Returns for each region whether it has pages that no list contains: large pages, and guard
    /// pages, which are absent.
    fn unlisted_regions(&mut self) -> Result<Vec<bool>, SourceError> {
        let mut unlisted = Vec::with_capacity(self.regions.len());
        for chunk in self.regions.chunks(PAGES_PER_QUERY) {
            let starts: Vec<u64> = chunk.iter().map(|region| region.base).collect();
            let blocks = read_blocks(self.space, &mut self.buffer, &starts)?;
            unlisted.extend(chunk.iter().zip(blocks).map(|(region, block)| {
                is_committed(region) && (block.is_large() || region.protection.guard)
            }));
        }
        Ok(unlisted)
    }

    /// Reads all committed pages.
    fn read_committed(&mut self) -> Result<(), SourceError> {
        for (index, region) in self.regions.iter().enumerate() {
            if is_committed(region) {
                self.read_range(index, region.base..region.end())?;
            }
        }
        self.read_pending()
    }

    fn read_range(&mut self, index: usize, range: Range<u64>) -> Result<(), SourceError> {
        for address in range.step_by(PAGE_SIZE as usize) {
            self.push(index, address)?;
        }
        Ok(())
    }

    fn push(&mut self, index: usize, address: u64) -> Result<(), SourceError> {
        self.pending.push((index, address));
        if self.pending.len() < PAGES_PER_QUERY {
            return Ok(());
        }
        self.read_pending()
    }

    /// Reads the pages that were pushed.
    fn read_pending(&mut self) -> Result<(), SourceError> {
        let starts: Vec<u64> = self.pending.iter().map(|&(_, address)| address).collect();
        let blocks = read_blocks(self.space, &mut self.buffer, &starts)?;
        for (&(index, address), block) in self.pending.iter().zip(blocks) {
            if let Some(page) = page(&self.regions[index], block, self.scope) {
                let range = address..address + PAGE_SIZE;
                run::push(&mut self.runs, PAGE_SIZE, index, range, page);
                if page.attributes.contains(PageAttributes::RESIDENT) {
                    self.found += PAGE_SIZE;
                }
            }
        }
        self.pending.clear();
        let progress = Progress {
            found: self.found,
            expected: self.expected,
        };
        match (self.progress)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(SourceError::new("", ErrorCause::Cancelled)),
        }
    }
}

/// Returns what a page of a region is; `None` if it is absent.
fn page(
    region: &MemoryBasicInformation,
    block: WorkingSetExBlock,
    scope: ShareScope,
) -> Option<Page> {
    let guard = || Page::new(PageAttributes::GUARD);
    block
        .page(scope)
        .or_else(|| region.protection.guard.then(guard))
}

fn is_committed(region: &MemoryBasicInformation) -> bool {
    region.state == MemoryState::Committed
}

fn page_start(address: u64) -> u64 {
    address - address % PAGE_SIZE
}

/// Returns the addresses of the pages in the working set, by ascending address. `None` if the
/// system has no list.
fn listed_pages(space: AddressSpace<'_>) -> Result<Option<Vec<u64>>, SourceError> {
    let class = MemoryClass::MemoryWorkingSetInformation;
    let mut buffer = Buffer::default();
    let bytes = buffer.fill(|bytes| {
        let Answer { status, length } = nt::query_memory(space.handle(), 0, class, bytes);
        let needed = list::needed_size(bytes, Width::NATIVE).filter(|_| status.is_too_short());
        Answer {
            status,
            length: needed.unwrap_or(length),
        }
    });
    match bytes {
        Ok(bytes) => {
            let mut pages: Vec<u64> = list::addresses(bytes, Width::NATIVE).collect();
            pages.sort_unstable();
            pages.dedup();
            Ok(Some(pages))
        }
        Err(status) if status.is_unsupported() => Ok(None),
        Err(status) => Err(space.process().error(class, status)),
    }
}

/// Returns the attributes of at most [`PAGES_PER_QUERY`] pages.
fn read_blocks<'b>(
    space: AddressSpace<'_>,
    buffer: &'b mut Buffer,
    pages: &[u64],
) -> Result<impl Iterator<Item = WorkingSetExBlock> + use<'b>, SourceError> {
    let class = MemoryClass::MemoryWorkingSetExInformation;
    let bytes = if pages.is_empty() {
        &[]
    } else {
        let read = buffer.fill(|bytes| {
            let used = ex::fill(bytes, Width::NATIVE, pages.iter().copied());
            let Answer { status, .. } =
                nt::query_memory(space.handle(), 0, class, &mut bytes[..used]);
            Answer {
                status,
                length: used,
            }
        });
        read.map_err(|status| space.process().error(class, status))?
    };
    Ok(ex::blocks(bytes, Width::NATIVE))
}

/// Returns the identity of the process, which stays valid later and on another machine.
fn identity(process: &Process) -> Result<Identity, SourceError> {
    let status = super::status(process, Fields::STAT)?;
    let start = status.start.ok_or_else(|| {
        let cause = ErrorCause::Malformed("the start time is missing");
        SourceError::new(ProcessClass::ProcessTimes, cause)
    })?;
    Ok(Identity {
        process: process.id(),
        start,
        // The start time has units of 100 ns, so two boots do not repeat it.
        boot: None,
        name: status.name.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use testing::Program;

    use super::*;
    use crate::process_id::ProcessId;
    use crate::sys::windows::process::open_process;
    use crate::sys::windows::system::{System, SystemOptions};

    fn open(id: u32) -> Process {
        let system = Arc::new(System::new(SystemOptions::default()));
        open_process(&system, ProcessId::new(id)).unwrap()
    }

    fn runs(
        space: AddressSpace<'_>,
        regions: &[MemoryBasicInformation],
        listed: Option<&[u64]>,
    ) -> Result<Vec<Run>, SourceError> {
        let mut progress = |_| ControlFlow::Continue(());
        Scan::new(space, regions, ShareScope::All, 0, &mut progress).run(listed)
    }

    /// The stand-in arranges every kind of page in a child.
    #[test]
    fn list_and_regions_find_same_pages() {
        let subject = Program::compile(testing::programs::WAITS, &[]).start();
        let process = open(subject.id().get());
        let space = AddressSpace::open_to_read(&process).unwrap();
        let regions = Regions::list(space).unwrap().regions;
        let Some(listed) = listed_pages(space).unwrap() else {
            return testing::skip("the system has no list of pages; --cfg standin has");
        };
        let by_list = runs(space, &regions, Some(&listed)).unwrap();
        let by_regions = runs(space, &regions, None).unwrap();
        // The whole lists are too long to print.
        let mut pairs = by_list.iter().zip(&by_regions);
        assert_eq!(pairs.find(|(a, b)| a != b), None);
        assert_eq!(by_list.len(), by_regions.len());
        let pages = |attribute| -> u64 {
            let found = by_regions
                .iter()
                .filter(|run| run.page().attributes.contains(attribute));
            found.map(|run| u64::from(run.pages())).sum()
        };
        assert!(pages(PageAttributes::RESIDENT) > 0);
        assert!(pages(PageAttributes::FILE) > 0);
        assert!(pages(PageAttributes::LOCKED) > 0);
        assert!(by_regions.iter().any(|run| run.page().node == 1));
    }

    #[test]
    fn own_pages_are_found_by_regions() {
        let process = open(std::process::id());
        let space = AddressSpace::open_to_read(&process).unwrap();
        let memory = vec![1_u8; 1 << 20];
        let start = memory.as_ptr() as u64;
        let pages = page_start(start + PAGE_SIZE - 1)..page_start(start + memory.len() as u64);
        let regions = Regions::list(space).unwrap().regions;
        let resident = |runs: Vec<Run>| -> u64 {
            let own = runs.iter().filter(|run| {
                let end = run.start() + u64::from(run.pages()) * PAGE_SIZE;
                let is_private = !run.page().attributes.contains(PageAttributes::FILE);
                is_private && run.start() < pages.end && pages.start < end
            });
            let size = |run: &Run| {
                let end = run.start() + u64::from(run.pages()) * PAGE_SIZE;
                end.min(pages.end) - run.start().max(pages.start)
            };
            own.map(size).sum()
        };
        assert_eq!(
            resident(runs(space, &regions, None).unwrap()),
            pages.end - pages.start
        );
        if let Some(listed) = listed_pages(space).unwrap() {
            let by_list = runs(space, &regions, Some(&listed)).unwrap();
            assert_eq!(resident(by_list), pages.end - pages.start);
        }
    }
}
