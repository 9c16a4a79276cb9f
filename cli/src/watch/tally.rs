//! Faults added up as they come: by where they happened, in which thread and by which instruction.
//! It grows with the number of such places, not with that of the faults.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::ops::Range;
use std::time::{Duration, Instant};

use psapi::{
    AddressMap, Backing, Fields, Mapping, PageFault, Process, ProcessId, Symbolizer, System,
};

/// How many faults of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub soft: u64,
    pub hard: u64,
}

impl Counts {
    pub fn total(self) -> u64 {
        self.soft + self.hard
    }

    pub fn add(&mut self, other: Counts) {
        self.soft += other.soft;
        self.hard += other.hard;
    }
}

/// What tells faults apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// An index of [`Tally::programs`].
    pub program: usize,
    /// An index of [`Program::regions`].
    pub region: usize,
    /// An index of [`Tally::threads`].
    pub thread: usize,
    pub program_counter: u64,
}

/// What a process executes, from when it begins to until it executes something else.
#[derive(Debug)]
pub struct Program {
    pub id: ProcessId,
    pub name: Option<OsString>,
    /// `None` of a process that had ended before it could be looked at.
    pub space: Option<Space>,
    /// Where faults happened. The first is where nothing is known to be mapped.
    pub regions: Vec<Region>,
    /// The regions of the mappings by start and end, since the address map was last read.
    seen: HashMap<(u64, u64), usize>,
    /// All regions by start.
    by_start: HashMap<u64, Vec<usize>>,
}

/// What is known of an address space.
#[derive(Debug)]
pub struct Space {
    pub process: Process,
    pub map: AddressMap,
    read: Instant,
    cost: Duration,
}

/// A mapping, or what was one.
#[derive(Debug, Clone)]
pub struct Region {
    /// As it was when it was first met, but for its end. `None`: nothing is known of it.
    pub mapping: Option<Mapping>,
}

/// A thread that took faults.
#[derive(Debug)]
pub struct Thread {
    pub process: ProcessId,
    pub id: u32,
    pub name: Option<Vec<u8>>,
    named: Instant,
}

/// How many regions of a program are told apart by their address; of those that come later, as
/// where a program maps and unmaps all the time, those alike are one.
const MOST_REGIONS: usize = 50_000;

/// The most that a heap grows by between two of its pages that are touched: what is larger,
/// `malloc` never takes from it (`DEFAULT_MMAP_THRESHOLD_MAX`).
const MOST_GROWTH: u64 = 32 << 20;

/// An address map is read anew when something unknown is met, and from time to time, which may take
/// this part of the time.
const SHARE_OF_READING: u32 = 50;

/// Threads may rename themselves; their names are read again after this time.
const NAME_TICK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub struct Tally {
    system: System,
    pub programs: Vec<Program>,
    /// The program that each process executes.
    current: HashMap<ProcessId, usize>,
    pub threads: Vec<Thread>,
    thread_of: HashMap<(ProcessId, u32), usize>,
    pub counts: HashMap<Key, Counts>,
    pub total: Counts,
    pub symbolizer: Option<Symbolizer>,
}

impl Tally {
    pub fn new(system: System, symbolizer: Option<Symbolizer>) -> Self {
        Tally {
            system,
            programs: Vec::new(),
            current: HashMap::new(),
            threads: Vec::new(),
            thread_of: HashMap::new(),
            counts: HashMap::new(),
            total: Counts::default(),
            symbolizer,
        }
    }

    /// A process executes something new, and what happens from now on is of that.
    pub fn begin(&mut self, id: ProcessId) -> usize {
        let process = self.system.process(id).ok();
        let status = process
            .as_ref()
            .and_then(|process| process.status(Fields::STAT | Fields::IMAGE).ok());
        let start = Instant::now();
        let space = process.and_then(|process| {
            let map = process.address_map().ok()?;
            Some(Space {
                process,
                map,
                read: Instant::now(),
                cost: start.elapsed(),
            })
        });
        if let (Some(symbolizer), Some(space)) = (&mut self.symbolizer, &space) {
            symbolizer.hold(&space.process, &space.map);
        }
        let index = self.programs.len();
        self.programs.push(Program {
            id,
            name: status.and_then(|status| status.display_name()),
            space,
            regions: vec![Region { mapping: None }],
            seen: HashMap::new(),
            by_start: HashMap::new(),
        });
        self.current.insert(id, index);
        index
    }

    /// Adds faults up; gives what told each apart to `each`.
    pub fn add(&mut self, faults: &[PageFault], mut each: impl FnMut(&PageFault, Key)) {
        for program in self.programs_of(faults) {
            self.programs[program].refresh_from_time_to_time(&mut self.symbolizer);
        }
        let now = Instant::now();
        // A map that was read for one unknown address is not read for the next.
        let mut refreshed = None;
        // One page after the other, by one instruction, is what comes fastest.
        let mut last: Option<(&PageFault, Range<u64>, Key)> = None;
        for fault in faults {
            if let Some((same, range, key)) = &last
                && range.contains(&fault.address)
                && same.program_counter == fault.program_counter
                && (same.process, same.thread) == (fault.process, fault.thread)
            {
                self.count(fault, *key);
                each(fault, *key);
                continue;
            }
            let program = self.program(fault.process);
            let unknown = |program: &Program| {
                !program.knows(fault.address)
                    || !is_of_kernel(fault.program_counter) && !program.knows(fault.program_counter)
            };
            if refreshed != Some(program) && unknown(&self.programs[program]) {
                self.programs[program].refresh(&mut self.symbolizer);
                refreshed = Some(program);
            }
            let key = Key {
                program,
                region: self.programs[program].region(fault.address),
                thread: self.thread(fault.process, fault.thread, now),
                program_counter: fault.program_counter,
            };
            self.count(fault, key);
            each(fault, key);
            last = self.programs[program]
                .range(fault.address)
                .map(|range| (fault, range, key));
        }
    }

    fn count(&mut self, fault: &PageFault, key: Key) {
        let one = Counts {
            soft: u64::from(!fault.hard),
            hard: u64::from(fault.hard),
        };
        self.counts.entry(key).or_default().add(one);
        self.total.add(one);
    }

    /// Reads again what is mapped, and how threads are called: while it is there.
    pub fn refresh(&mut self, id: ProcessId) {
        if let Some(&program) = self.current.get(&id) {
            self.programs[program].refresh(&mut self.symbolizer);
        }
        for thread in self
            .threads
            .iter_mut()
            .filter(|thread| thread.process == id)
        {
            thread.read_name(&self.system);
        }
    }

    /// The program that a process executes, if it is known.
    pub fn current(&self, id: ProcessId) -> Option<usize> {
        self.current.get(&id).copied()
    }

    /// The faults of a process, whatever it executed.
    pub fn of_process(&self, id: ProcessId) -> Counts {
        let mut sum = Counts::default();
        for (key, &counts) in &self.counts {
            if self.programs[key.program].id == id {
                sum.add(counts);
            }
        }
        sum
    }

    fn program(&mut self, id: ProcessId) -> usize {
        match self.current(id) {
            Some(program) => program,
            None => self.begin(id),
        }
    }

    fn programs_of(&mut self, faults: &[PageFault]) -> Vec<usize> {
        let mut ids: Vec<ProcessId> = faults.iter().map(|fault| fault.process).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|id| self.program(id)).collect()
    }

    fn thread(&mut self, process: ProcessId, id: u32, now: Instant) -> usize {
        let index = *self.thread_of.entry((process, id)).or_insert_with(|| {
            self.threads.push(Thread {
                process,
                id,
                name: None,
                named: now.checked_sub(NAME_TICK).unwrap_or(now),
            });
            self.threads.len() - 1
        });
        let thread = &mut self.threads[index];
        if thread.name.is_none() && thread.named != now || now - thread.named >= NAME_TICK {
            thread.named = now;
            thread.read_name(&self.system);
        }
        index
    }
}

impl Thread {
    fn read_name(&mut self, system: &System) {
        let file = format!("{}/task/{}/comm", self.process, self.id);
        if let Ok(mut name) = fs::read(system.proc_root().join(file)) {
            name.pop_if(|last| *last == b'\n');
            self.name = Some(name);
        }
    }
}

impl Program {
    fn knows(&self, address: u64) -> bool {
        let space = self.space.as_ref();
        space.is_some_and(|space| space.map.resolve(address).is_some())
    }

    /// The mapping that an address is in.
    fn range(&self, address: u64) -> Option<Range<u64>> {
        let place = self.space.as_ref()?.map.resolve(address)?;
        Some(place.mapping.start..place.mapping.end)
    }

    fn refresh_from_time_to_time(&mut self, symbolizer: &mut Option<Symbolizer>) {
        let is_due = |space: &Space| space.read.elapsed() > space.cost * SHARE_OF_READING;
        if self.space.as_ref().is_some_and(is_due) {
            self.refresh(symbolizer);
        }
    }

    fn refresh(&mut self, symbolizer: &mut Option<Symbolizer>) {
        let Some(space) = &mut self.space else { return };
        let start = Instant::now();
        // Of one that has ended, what was known is all there is.
        if let Ok(true) = space.map.refresh(&space.process) {
            self.seen.clear();
            if let Some(symbolizer) = symbolizer {
                symbolizer.hold(&space.process, &space.map);
            }
        }
        space.read = Instant::now();
        space.cost = start.elapsed();
    }

    fn region(&mut self, address: u64) -> usize {
        let space = self.space.as_ref();
        let Some(place) = space.and_then(|space| space.map.resolve(address)) else {
            return self.region_of_heap(address).unwrap_or(0);
        };
        let range = (place.mapping.start, place.mapping.end);
        if let Some(&region) = self.seen.get(&range) {
            return region;
        }
        let mut mapping = place.mapping.clone();
        if self.regions.len() >= MOST_REGIONS {
            (mapping.start, mapping.end) = (0, 0);
        }
        let same = |&region: &usize| {
            let known = self.regions[region].mapping.as_ref();
            known.is_some_and(|known| is_alike(known, &mapping))
        };
        let there = self.by_start.entry(mapping.start).or_default();
        let known = there.iter().copied().find(same);
        let region = known.unwrap_or_else(|| {
            self.regions.push(Region {
                mapping: Some(mapping.clone()),
            });
            there.push(self.regions.len() - 1);
            self.regions.len() - 1
        });
        if let Some(known) = &mut self.regions[region].mapping {
            known.end = known.end.max(mapping.end);
        }
        self.seen.insert(range, region);
        region
    }

    /// The heap, for an address beyond its end where nothing else is known to have been mapped: a
    /// heap grows and shrinks, and may have been larger for a moment that nobody looked at. Nothing
    /// else is put so close behind it, unless a program asks for the very place.
    fn region_of_heap(&mut self, address: u64) -> Option<usize> {
        let map = &self.space.as_ref()?.map;
        let mut place = map.last_before(address)?;
        // What it has been larger by at a look is a part of its own.
        while place.gone && place.mapping.backing == Backing::Heap {
            place = map.last_before(place.mapping.start.checked_sub(1)?)?;
        }
        if place.gone || place.mapping.backing != Backing::Heap {
            return None;
        }
        let start = place.mapping.start;
        let region = self.region(start);
        let heap = self.regions[region].mapping.as_mut()?;
        if address >= heap.end.saturating_add(MOST_GROWTH) {
            return None;
        }
        let page = rustix::param::page_size() as u64;
        heap.end = heap.end.max(address - address % page + page);
        Some(region)
    }

    /// The region as it is now: a mapping that has grown since, or what is left of it.
    pub fn latest(&self, region: usize) -> (Option<Mapping>, bool) {
        let Some(known) = &self.regions[region].mapping else {
            return (None, false);
        };
        let space = self.space.as_ref();
        let place = space.and_then(|space| space.map.resolve(known.start));
        match place {
            Some(place) if !place.gone && is_alike(place.mapping, known) => {
                (Some(place.mapping.clone()), false)
            }
            _ => (Some(known.clone()), true),
        }
    }
}

/// Whether two mappings may be one at different times.
fn is_alike(one: &Mapping, other: &Mapping) -> bool {
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

/// Whether an instruction is the kernel's own.
pub fn is_of_kernel(program_counter: u64) -> bool {
    program_counter >> 63 == 1
}
