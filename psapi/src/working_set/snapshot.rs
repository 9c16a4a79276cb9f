//! How a working set is taken.

use std::ffi::OsStr;
use std::ops::{ControlFlow, Range};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::time::SystemTime;

use rustix::io::Errno;

use super::WorkingSet;
use super::identity::Identity;
use super::options::{Progress, WorkingSetOptions};
use super::run::{self, Page, PageAttributes};
use crate::error::{Refusal, Result};
use crate::linux::file::Directory;
use crate::linux::frame_file::FrameFile;
use crate::linux::meminfo::{self, Meminfo};
use crate::linux::pagemap::Pagemap;
use crate::linux::pagemap_scan::Scanner;
use crate::linux::pages::{self, Area, Counted, Nodes, Question, SharesOf};
use crate::linux::smaps::{self, Smaps};
use crate::linux::{maps, procmap_query, stat, status};
use crate::mapping::{Backing, Mapping};
use crate::process::Process;
use crate::status::ticks;

impl Process {
    /// Which pages of the process are in memory, or in a page file, and how often those that may be
    /// shared are mapped.
    ///
    /// The kernel does not stop the process meanwhile. Pages that come or go during the scan may or
    /// may not be in the answer, and what is mapped after the mappings were listed is not.
    ///
    /// Source: `PROC/PID/maps`, and `PAGEMAP_SCAN` (Linux 6.7) on `PROC/PID/pagemap`; before that,
    /// the words of `pagemap` and `PROC/PID/smaps`. Share counts: `pagemap`, and
    /// `PROC/kpagecount`. Cost: *pages*, the dearest tier: about 10 ns for each resident page of
    /// 4 KiB, next to nothing for huge pages and for address space without pages; some 20 to 80 ns
    /// more for one that may be shared. Before Linux 6.7 about twice as much, and half a second to a
    /// second for each TiB of address space without pages in a mapping that has some: of one that
    /// is larger than the machine's memory, only up to its last page, if none of its pages is in a
    /// page file and all are mapped once or the caller may know frames. Pages of zeros and guard
    /// regions behind that one are not [known](WorkingSet::known).
    /// Privileges: those of the process's own user, or `CAP_SYS_PTRACE` and `CAP_DAC_READ_SEARCH`,
    /// since only its user may open `pagemap`. Only root may open `kpagecount`: without
    /// `CAP_SYS_ADMIN` and, for other users than root, `CAP_DAC_READ_SEARCH`, share counts say "one"
    /// or "more than one".
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let before = me.working_set()?.totals();
    /// let filled = vec![1u8; 8 << 20];
    /// let after = me.working_set()?.totals();
    /// assert!(after.private >= before.private + filled.len() as u64 - (1 << 20));
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege;
    /// [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread;
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended;
    /// [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) on a kernel without `pagemap`.
    #[doc(alias = "QueryWorkingSet")]
    pub fn working_set(&self) -> Result<WorkingSet> {
        self.working_set_with(&WorkingSetOptions::new(), |_| ControlFlow::Continue(()))
    }

    /// As [`working_set`](Self::working_set), of what the options ask for. In between, every few
    /// milliseconds, `progress` is told how far it is, and may break it off. If the process executes
    /// another program meanwhile, it begins anew.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use psapi::WorkingSetOptions;
    ///
    /// let me = psapi::System::new().current_process()?;
    /// let options = WorkingSetOptions::new().with_private_share_counts();
    /// let set = me.working_set_with(&options, |progress| {
    ///     eprintln!("{} of {} bytes", progress.found, progress.expected);
    ///     ControlFlow::Continue(())
    /// })?;
    /// println!("{} bytes are mapped more than once", set.totals().shares.shared());
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`working_set`](Self::working_set), and
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) if `progress` broke it off.
    pub fn working_set_with(
        &self,
        options: &WorkingSetOptions,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<WorkingSet> {
        self.ask("working set", |directory| {
            let taken = SystemTime::now();
            let space = Space::open(self, directory, |mappings| {
                self.list_mappings(directory, mappings)
            })?;
            let identity = self.identity()?;
            let (ranges, untold) = space.everything();
            let mut runs = Vec::new();
            let sink = |mapping, range, page| {
                run::push(&mut runs, space.page_size, mapping, range, page);
            };
            let known = space.walk(options.shares, ranges, &mut progress, sink)?;
            runs.shrink_to_fit();
            Ok(WorkingSet {
                identity,
                taken,
                page_size: space.page_size,
                mappings: space.mappings,
                runs,
                known: known - untold,
            })
        })
    }

    /// Which process this is, also for who asks later or elsewhere.
    fn identity(&self) -> Result<Identity, Refusal> {
        let mut text = Vec::new();
        let stat = stat::read(self.directory(), &mut text)?;
        Ok(Identity {
            process: self.id(),
            start: ticks(stat.starttime),
            boot: self.system().boot(),
            name: OsStr::from_bytes(stat.comm).to_owned(),
        })
    }
}

/// The address space of a process, ready to be asked for its pages.
pub(super) struct Space<'p> {
    process: &'p Process,
    pagemap: Pagemap<'p>,
    scanner: Option<Scanner>,
    pub(super) page_size: u64,
    pub(super) mappings: Vec<Mapping>,
    /// One for each mapping.
    areas: Vec<Area>,
    /// How many bytes the counters say there are.
    expected: u64,
    /// Whether the machine has broken memory, if that is told.
    has_bad_memory: Option<bool>,
    /// The machine's memory, in bytes.
    memory: u64,
}

impl<'p> Space<'p> {
    /// With the mappings that are to be asked about.
    pub(super) fn open(
        process: &'p Process,
        directory: &'p Directory,
        list: impl FnOnce(&mut Vec<Mapping>) -> Result<(), Refusal>,
    ) -> Result<Self, Refusal> {
        let page_size = rustix::param::page_size() as u64;
        // Opened before the mappings are listed: if the process executes another program in
        // between, this one no longer answers.
        let pagemap = Pagemap::open(directory, page_size)?;
        let mut mappings = Vec::new();
        list(&mut mappings)?;
        // The kernel's own page at the end of the address space is of no process.
        mappings.retain(|mapping| i64::try_from(mapping.end).is_ok());

        let system = process.system();
        let mut text = Vec::new();
        let machine = meminfo::read(system.proc_directory()?, &mut text).ok();
        let status = status::read(directory, &mut text)?;
        let Some(counters) = status.memory else {
            return Err(pagemap.refusal(Errno::SRCH));
        };
        let hugetlb = counters.hugetlb_pages.unwrap_or(0);
        let scanner = match system.may_scan_pages() {
            true => Scanner::new(&pagemap),
            false => None,
        };
        let has_page_file = machine.is_none_or(|machine| machine.swap_total > 0);
        let area_of = |mapping| area_of(mapping, has_page_file);
        let mut areas: Vec<Area> = mappings.iter().map(area_of).collect();
        if scanner.is_none() || counters.vm_lck > 0 {
            add_smaps(&mut areas, &smaps::read(directory)?, page_size);
        } else if hugetlb > 0 {
            add_hugetlb(process, directory, &mappings, &mut areas, page_size)?;
        }
        let memory = machine.map_or(u64::MAX, |machine| machine.mem_total);
        for area in &mut areas {
            area.sparse = !area.hugetlb && area.end - area.start > memory;
        }
        let corrupted = |machine: Meminfo| machine.hardware_corrupted.unwrap_or(0) > 0;
        Ok(Space {
            process,
            pagemap,
            scanner,
            page_size,
            mappings,
            areas,
            expected: counters.vm_rss + counters.vm_swap + hugetlb,
            has_bad_memory: machine.map(corrupted),
            memory,
        })
    }

    fn scans(&self) -> bool {
        self.scanner.is_some()
    }

    /// Whether a part of a mapping is not to be asked for alone: where words are read, they are
    /// compared with the figures of the whole. Of one that is larger than the machine's memory, to
    /// read all words would take too long; huge pages are not told there.
    pub(super) fn needs_whole(&self, mapping: &Mapping) -> bool {
        !self.scans() && mapping.size() <= self.memory
    }

    /// All that is worth a look, and what of it can't be told since the rest is passed by.
    pub(super) fn everything(&self) -> (Vec<Range<u64>>, PageAttributes) {
        if let (true, Some(first), Some(last)) =
            (self.scans(), self.areas.first(), self.areas.last())
        {
            let everything = first.start..last.end;
            return (vec![everything], PageAttributes::empty());
        }
        let mut untold = PageAttributes::empty();
        let mut ranges = Vec::with_capacity(self.areas.len());
        for area in &self.areas {
            if Self::is_reservation(area) {
                // `smaps` counts neither.
                untold |= PageAttributes::ZERO | PageAttributes::GUARD;
            } else {
                ranges.push(area.start..area.end);
            }
        }
        (ranges, untold)
    }

    /// A mapping that is larger than the machine's memory and has nothing there: to read its words,
    /// all of them 0, would take minutes.
    fn is_reservation(area: &Area) -> bool {
        area.sparse
            && area
                .counted
                .is_some_and(|counted| counted.resident + counted.swapped == 0)
    }

    /// Hands over what the pages of ranges are, with the index of the mapping; returns what can be
    /// told at all. The ranges are whole mappings where these are [needed](Self::needs_whole).
    pub(super) fn walk(
        &self,
        shares: SharesOf,
        ranges: impl IntoIterator<Item = Range<u64>>,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
        sink: impl FnMut(usize, Range<u64>, Page),
    ) -> Result<PageAttributes, Refusal> {
        let system = self.process.system();
        let proc = system.proc_directory()?;
        let frames = |wanted: bool, open: fn(&Directory) -> Result<FrameFile, Errno>| {
            wanted.then(|| open(proc).ok()).flatten()
        };
        let mut found = 0;
        let question = Question {
            pagemap: &self.pagemap,
            page_size: self.page_size,
            areas: &self.areas,
            shares,
            counts: frames(shares != SharesOf::Nothing, FrameFile::counts),
            flags: frames(
                !self.scans() || self.has_bad_memory == Some(true),
                FrameFile::flags,
            ),
            has_bad_memory: self.has_bad_memory == Some(true),
            nodes: self.nodes(),
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
        let mut known = pages::walk(question, self.scanner, ranges, sink)?;
        pages::check_still_there(&self.pagemap)?;
        // A scanner that knows guards tells of them, also to who may not look at pages of his own: the
        // files of a process that has changed its user are root's.
        let told = self
            .scanner
            .map_or(PageAttributes::empty(), |scanner| scanner.known());
        let features = system.page_features();
        known &= !LATER_KERNELS | features.told | told & PageAttributes::GUARD;
        if !features.makes_guards {
            known.insert(PageAttributes::GUARD);
        }
        if self.has_bad_memory.is_none() {
            known.remove(PageAttributes::BAD);
        }
        Ok(known)
    }

    fn nodes(&self) -> Nodes {
        match (
            self.process.system().only_node(),
            self.process.id_for_system_calls(),
        ) {
            (Some(node), _) => Nodes::Only(node),
            (None, Some(id)) => Nodes::Asked(id),
            (None, None) => Nodes::Unknown,
        }
    }
}

/// What only some kernels tell, without saying whether they do.
const LATER_KERNELS: PageAttributes = PageAttributes::SOFT_DIRTY.union(PageAttributes::GUARD);

fn area_of(mapping: &Mapping, has_page_file: bool) -> Area {
    Area {
        start: mapping.start,
        end: mapping.end,
        has_file: mapping.file.is_some()
            || !matches!(
                mapping.backing,
                Backing::Anonymous { .. } | Backing::Heap | Backing::Stack
            ),
        special: mapping.shared,
        // The kernel finds shared memory in page files by itself, not by the process's tables.
        swaps: has_page_file && !mapping.shared,
        hugetlb: matches!(
            mapping.backing,
            Backing::Anonymous { hugetlb: true, .. }
                | Backing::SharedAnonymous { hugetlb: true, .. }
        ),
        locked: false,
        counted: None,
        sparse: false,
    }
}

/// Adds what `smaps` says. Where a mapping has changed since the list was read, nothing is added.
fn add_smaps(areas: &mut [Area], smaps: &[Smaps], page_size: u64) {
    for area in areas {
        let Ok(at) = smaps.binary_search_by_key(&area.start, |smaps| smaps.start) else {
            continue;
        };
        let smaps = &smaps[at];
        area.hugetlb = smaps.page_size > page_size;
        area.locked = smaps.locked;
        area.counted = (smaps.end == area.end).then_some(Counted {
            resident: smaps.rss,
            swapped: smaps.swap,
            huge: smaps.huge,
        });
        area.swaps &= area.counted.is_none_or(|counted| counted.swapped > 0);
    }
}

/// Finds the mappings of hugetlb files, which only the size of their pages tells from others.
fn add_hugetlb(
    process: &Process,
    directory: &Directory,
    mappings: &[Mapping],
    areas: &mut [Area],
    page_size: u64,
) -> Result<(), Refusal> {
    if !process.may_query_maps() {
        add_smaps(areas, &smaps::read(directory)?, page_size);
        return Ok(());
    }
    let file = directory.file(maps::FILE)?;
    for (mapping, area) in mappings.iter().zip(&mut *areas) {
        if mapping.file.is_none() || area.hugetlb {
            continue;
        }
        match procmap_query::page_size(file.as_fd(), mapping.start) {
            Ok(size) => area.hugetlb = size.is_some_and(|size| size > page_size),
            // An older kernel.
            Err(_) => {
                add_smaps(areas, &smaps::read(directory)?, page_size);
                return Ok(());
            }
        }
    }
    Ok(())
}
