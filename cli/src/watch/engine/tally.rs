//! Counts faults by place: mapping, thread and instruction.
//!
//! Memory use depends on the number of different places, not on the number of faults.
//!
//! A fault has an address and a program counter. Both are valid only in the address space at the
//! time of the fault. The tally therefore keeps an [`AddressMap`] for each *program*: a process
//! from one `execve` to the next. For each fault it finds the program, then the *region* of the
//! address, then the thread:
//!
//! 1. If the program's map does not resolve the address or the program counter, the map is read
//!    again: something was mapped since. The map is read only once for consecutive unresolved
//!    faults.
//! 2. A region is a mapping over time. `mmap` and `brk` can extend a mapping, so the map can return
//!    a new range for an old region. Mappings with the same start, file and permissions are one
//!    region.
//! 3. A heap can grow and shrink between two reads of the map. An unresolved address shortly after
//!    a heap is assigned to that heap.
//!
//! Maps are also read from time to time, because a mapping can be replaced by another one at the
//! same address without an unresolved fault.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use psapi::{AddressMap, Backing, Mapping, Process, ProcessId, System};

use super::{Fault, FileReader, Frame, MissingSymbols, is_major};
use crate::sys::page_size;

/// Numbers of minor and major faults. Without their kinds, all faults count as minor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub minor: u64,
    pub major: u64,
}

impl Counts {
    pub fn total(self) -> u64 {
        self.minor + self.major
    }

    pub fn add(&mut self, other: Counts) {
        self.minor += other.minor;
        self.major += other.major;
    }
}

/// The place of a fault. Faults at the same place are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultKey {
    /// An index into [`Tally::programs`].
    pub program: usize,
    /// An index into [`Program::regions`].
    pub region: usize,
    /// An index into [`Tally::threads`].
    pub thread: usize,
    pub program_counter: u64,
}

/// A process from one `execve` to the next.
#[derive(Debug)]
pub struct Program {
    pub process: ProcessId,
    pub origin: Origin,
    pub name: Option<OsString>,
    /// `None` if the process had ended before its address space could be read.
    pub space: Option<Space>,
    /// The regions that took faults. The first is for addresses outside all known mappings.
    pub regions: Vec<Region>,
    /// Regions by start and end of their mapping, valid for the current address map.
    region_of_range: HashMap<(u64, u64), usize>,
    /// All regions by start.
    regions_at: HashMap<u64, Vec<usize>>,
}

/// How a program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The process called `execve`.
    Executed,
    /// The process was created, as a copy of the process that created it.
    Forked,
    /// It already ran when it was first seen.
    Observed,
}

/// The address space of a program.
#[derive(Debug)]
pub struct Space {
    pub process: Arc<Process>,
    pub map: Arc<AddressMap>,
    read_at: Instant,
    read_duration: Duration,
}

/// A mapping over time.
#[derive(Debug, Clone)]
pub struct Region {
    /// The mapping of the first fault, with the largest end so far. `None` for addresses outside
    /// all known mappings.
    pub mapping: Option<Mapping>,
}

/// A thread that took faults.
#[derive(Debug)]
pub struct Thread {
    pub process: ProcessId,
    pub id: u32,
    pub name: Option<Vec<u8>>,
    name_read_at: Instant,
}

/// Number of regions of a program that are distinguished by address. Above it, similar mappings
/// share a region. This bounds the memory use for programs that keep mapping and unmapping.
const MAX_REGIONS: usize = 50_000;

/// The largest distance between two consecutive pages that a growing heap touches: `malloc` never
/// takes a larger block from the heap (`DEFAULT_MMAP_THRESHOLD_MAX`).
const MAX_HEAP_GROWTH: u64 = 32 << 20;

/// Scheduled reads of an address map take at most 1 / `REFRESH_TIME_DIVISOR` of the time.
const REFRESH_TIME_DIVISOR: u32 = 50;

/// The time after which the name of a thread is read again: threads can rename themselves.
const NAME_LIFETIME: Duration = Duration::from_millis(50);

/// The faults of a watch by place.
#[derive(Debug)]
pub struct Tally {
    system: System,
    pub programs: Vec<Program>,
    /// The current program of each process.
    current: HashMap<ProcessId, usize>,
    pub threads: Vec<Thread>,
    thread_index: HashMap<(ProcessId, u32), usize>,
    pub counts: HashMap<FaultKey, Counts>,
    pub total: Counts,
    pub files: FileReader,
}

impl Tally {
    /// Creates an empty tally. Without symbols, functions stay unknown.
    pub fn new(system: System, with_symbols: bool) -> Self {
        Tally {
            files: FileReader::new(&system, with_symbols),
            system,
            programs: Vec::new(),
            current: HashMap::new(),
            threads: Vec::new(),
            thread_index: HashMap::new(),
            counts: HashMap::new(),
            total: Counts::default(),
        }
    }

    /// Starts a new program for a process that was just created or has just called `execve`.
    pub fn start_program(&mut self, id: ProcessId, origin: Origin) -> usize {
        if origin == Origin::Forked
            && let Some(program) = self.current(id)
            && self.programs[program].origin == Origin::Observed
        {
            // The kernel itself faulted in the new process before it ran.
            self.programs[program].origin = origin;
            self.programs[program].refresh(&mut self.files);
            return program;
        }
        let process = self.system.process(id).ok().map(Arc::new);
        let start = Instant::now();
        let (name, map) = match &process {
            Some(process) => self.files.open(process),
            None => (None, None),
        };
        let space = process.zip(map).map(|(process, map)| Space {
            process,
            map: Arc::new(map),
            read_at: Instant::now(),
            read_duration: start.elapsed(),
        });
        if let Some(space) = &space {
            self.files.hold(&space.process, &space.map);
        }
        let index = self.programs.len();
        self.programs.push(Program {
            process: id,
            origin,
            name,
            space,
            regions: vec![Region { mapping: None }],
            region_of_range: HashMap::new(),
            regions_at: HashMap::new(),
        });
        self.current.insert(id, index);
        index
    }

    /// Counts faults, and calls `on_key` with each fault and its key.
    pub fn add(&mut self, faults: &[Fault], mut on_key: impl FnMut(&Fault, FaultKey)) {
        for program in self.programs_of(faults) {
            self.programs[program].refresh_if_due(&mut self.files);
        }
        let now = Instant::now();
        // The program whose map was just read. A second unresolved fault does not cause a second
        // read, because the address was unmapped again or was never mapped.
        let mut refreshed = None;
        // The last fault with the range of its mapping and its key. Faults most often come from one
        // instruction that touches page after page, so the next key is usually the same.
        let mut last: Option<(&Fault, Range<u64>, FaultKey)> = None;
        for fault in faults {
            if let Some((same, range, key)) = &last
                && range.contains(&fault.address)
                && same.program_counter == fault.program_counter
                && (same.process, same.thread) == (fault.process, fault.thread)
            {
                self.count(fault, *key);
                on_key(fault, *key);
                continue;
            }
            let program = self.program(fault.process);
            let is_unresolved = |program: &Program| {
                !program.resolves(fault.address)
                    || !is_kernel_address(fault.program_counter)
                        && !program.resolves(fault.program_counter)
            };
            if refreshed != Some(program) && is_unresolved(&self.programs[program]) {
                self.programs[program].refresh(&mut self.files);
                refreshed = Some(program);
            }
            let key = FaultKey {
                program,
                region: self.programs[program].region(fault.address),
                thread: self.thread(fault.process, fault.thread, now),
                program_counter: fault.program_counter,
            };
            self.count(fault, key);
            on_key(fault, key);
            last = self.programs[program]
                .mapping_range(fault.address)
                .map(|range| (fault, range, key));
        }
    }

    fn count(&mut self, fault: &Fault, key: FaultKey) {
        let is_major = is_major(fault) == Some(true);
        let one = Counts {
            minor: u64::from(!is_major),
            major: u64::from(is_major),
        };
        self.counts.entry(key).or_default().add(one);
        self.total.add(one);
    }

    /// Reads the mappings and the thread names of a process again, while they still exist.
    pub fn refresh(&mut self, process: ProcessId) {
        if let Some(&program) = self.current.get(&process) {
            self.programs[program].refresh(&mut self.files);
        }
        for thread in &mut self.threads {
            if thread.process == process {
                thread.read_name(&self.system);
            }
        }
    }

    /// Returns the index of a process's current program.
    pub fn current(&self, process: ProcessId) -> Option<usize> {
        self.current.get(&process).copied()
    }

    /// Returns the name of a process's current program.
    pub fn name(&self, process: ProcessId) -> Option<&OsStr> {
        let program = self.current(process)?;
        self.programs[program].name.as_deref()
    }

    /// Returns the number of programs that ran. A copy of a process counts unless it executed a
    /// program itself.
    pub fn program_count(&self) -> usize {
        let has_ended_as_copy = |(index, program): &(usize, &Program)| {
            program.origin != Origin::Forked || self.current(program.process) == Some(*index)
        };
        let programs = self.programs.iter().enumerate();
        programs.filter(has_ended_as_copy).count()
    }

    /// Returns the faults of a process in all its programs.
    pub fn counts_of(&self, process: ProcessId) -> Counts {
        let mut sum = Counts::default();
        for (key, &counts) in &self.counts {
            if self.programs[key.program].process == process {
                sum.add(counts);
            }
        }
        sum
    }

    /// Returns the functions of instructions, inlined ones included. Without symbols or an address
    /// space, every list is empty.
    pub fn frames(&mut self, program: usize, addresses: &[u64]) -> Vec<Arc<[Frame]>> {
        match &self.programs[program].space {
            Some(space) => self.files.frames(&space.process, &space.map, addresses),
            None => vec![Arc::from([]); addresses.len()],
        }
    }

    /// Returns the modules whose symbols were missing, with the first reason for each.
    pub fn missing_symbols(&mut self) -> Vec<MissingSymbols> {
        let mut modules = HashSet::new();
        let mut missing = self.files.missing();
        missing.retain(|missing| modules.insert(missing.module.clone()));
        missing
    }

    /// Returns the current program of a process; starts one for a process without a program.
    fn program(&mut self, process: ProcessId) -> usize {
        match self.current(process) {
            Some(program) => program,
            None => self.start_program(process, Origin::Observed),
        }
    }

    fn programs_of(&mut self, faults: &[Fault]) -> Vec<usize> {
        let mut ids: Vec<ProcessId> = faults.iter().map(|fault| fault.process).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|id| self.program(id)).collect()
    }

    /// Returns the index of a thread, and reads its name if that is due.
    fn thread(&mut self, process: ProcessId, id: u32, now: Instant) -> usize {
        let index = *self.thread_index.entry((process, id)).or_insert_with(|| {
            self.threads.push(Thread {
                process,
                id,
                name: None,
                // Long enough ago for the name to be read now.
                name_read_at: now.checked_sub(NAME_LIFETIME).unwrap_or(now),
            });
            self.threads.len() - 1
        });
        let thread = &mut self.threads[index];
        let is_unnamed = thread.name.is_none() && thread.name_read_at != now;
        if is_unnamed || now - thread.name_read_at >= NAME_LIFETIME {
            thread.name_read_at = now;
            thread.read_name(&self.system);
        }
        index
    }
}

impl Thread {
    /// Reads the name. Keeps the old one if the thread has exited.
    fn read_name(&mut self, system: &System) {
        let name = system.thread_name(self.process, self.id).ok().flatten();
        self.name = name.map(OsString::into_encoded_bytes).or(self.name.take());
    }
}

impl Program {
    fn resolves(&self, address: u64) -> bool {
        let space = self.space.as_ref();
        space.is_some_and(|space| space.map.resolve(address).is_some())
    }

    /// Returns the range of the mapping that contains an address.
    fn mapping_range(&self, address: u64) -> Option<Range<u64>> {
        let location = self.space.as_ref()?.map.resolve(address)?;
        Some(location.mapping.start..location.mapping.end)
    }

    /// Reads the address map again if the last read is long enough ago, given its duration.
    fn refresh_if_due(&mut self, files: &mut FileReader) {
        let is_due =
            |space: &Space| space.read_at.elapsed() > space.read_duration * REFRESH_TIME_DIVISOR;
        if self.space.as_ref().is_some_and(is_due) {
            self.refresh(files);
        }
    }

    fn refresh(&mut self, files: &mut FileReader) {
        let Some(space) = &mut self.space else { return };
        let start = Instant::now();
        // If the process has ended, the old map stays.
        if let Some(map) = files.refresh(&space.process, &space.map) {
            space.map = Arc::new(map);
            self.region_of_range.clear();
            files.hold(&space.process, &space.map);
        }
        space.read_at = Instant::now();
        space.read_duration = start.elapsed();
    }

    /// Returns the region of an address; 0 for an address outside all known mappings.
    fn region(&mut self, address: u64) -> usize {
        let space = self.space.as_ref();
        let Some(location) = space.and_then(|space| space.map.resolve(address)) else {
            return self.heap_region(address).unwrap_or(0);
        };
        let range = (location.mapping.start, location.mapping.end);
        if let Some(&region) = self.region_of_range.get(&range) {
            return region;
        }
        let mut mapping = location.mapping.clone();
        if self.regions.len() >= MAX_REGIONS {
            // Without its address, the mapping matches any similar one.
            (mapping.start, mapping.end) = (0, 0);
        }
        // A region with the same start is the same mapping if file and permissions agree.
        let is_same = |&region: &usize| {
            let known = self.regions[region].mapping.as_ref();
            known.is_some_and(|known| is_similar(known, &mapping))
        };
        let candidates = self.regions_at.entry(mapping.start).or_default();
        let known = candidates.iter().copied().find(is_same);
        let region = known.unwrap_or_else(|| {
            self.regions.push(Region {
                mapping: Some(mapping.clone()),
            });
            candidates.push(self.regions.len() - 1);
            self.regions.len() - 1
        });
        if let Some(known) = &mut self.regions[region].mapping {
            known.end = known.end.max(mapping.end);
        }
        self.region_of_range.insert(range, region);
        region
    }

    /// Returns the heap's region for an unresolved address shortly after the heap.
    ///
    /// The heap might have been larger between two reads of the map. The kernel places no other
    /// mapping so close after it unless the program requests that address.
    fn heap_region(&mut self, address: u64) -> Option<usize> {
        let map = &self.space.as_ref()?.map;
        let mut location = map.last_before(address)?;
        // The map also lists parts of the heap that have been unmapped since an earlier read. Skip
        // these parts to find the heap itself.
        while location.gone && location.mapping.backing == Backing::Heap {
            location = map.last_before(location.mapping.start.checked_sub(1)?)?;
        }
        if location.gone || location.mapping.backing != Backing::Heap {
            return None;
        }
        let start = location.mapping.start;
        let region = self.region(start);
        let heap = self.regions[region].mapping.as_mut()?;
        if address >= heap.end.saturating_add(MAX_HEAP_GROWTH) {
            return None;
        }
        // Extend the region, so that the next page of the heap is close enough again.
        let page = page_size() as u64;
        heap.end = heap.end.max(address - address % page + page);
        Some(region)
    }

    /// Returns the current mapping of a region and `false`, or its last known mapping and `true` if
    /// it is gone.
    pub fn latest(&self, region: usize) -> (Option<Mapping>, bool) {
        let Some(known) = &self.regions[region].mapping else {
            return (None, false);
        };
        let space = self.space.as_ref();
        let location = space.and_then(|space| space.map.resolve(known.start));
        match location {
            Some(location) if !location.gone && is_similar(location.mapping, known) => {
                (Some(location.mapping.clone()), false)
            }
            _ => (Some(known.clone()), true),
        }
    }

    /// Returns the module that contains an instruction, or the label of its mapping.
    pub fn module(&self, program_counter: u64, frames: &[Frame]) -> Option<PathBuf> {
        if let Some(module) = frames.first().and_then(|frame| frame.module.as_ref()) {
            return Some(module.clone());
        }
        if is_kernel_address(program_counter) {
            return Some("[kernel]".into());
        }
        let location = self.space.as_ref()?.map.resolve(program_counter)?;
        match location.module {
            Some(module) => Some(module.path.clone()),
            None => Some(location.mapping.backing.label().into())
                .filter(|label: &PathBuf| !label.as_os_str().is_empty()),
        }
    }
}

/// Returns true if two mappings agree in everything except their address.
fn is_similar(one: &Mapping, other: &Mapping) -> bool {
    let access = |mapping: &Mapping| {
        (
            mapping.readable,
            mapping.writable,
            mapping.executable,
            mapping.shared,
        )
    };
    access(one) == access(other) && one.file == other.file && one.backing == other.backing
}

/// Returns true if an address is in the kernel's half of the address space.
fn is_kernel_address(address: u64) -> bool {
    address >> 63 == 1
}
