//! What a watch found, by mapping, module, function and thread.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use psapi::{Frame, Mapping, ProcessId, SourceLine};

use super::Watching;
use super::account::{Closed, Pages};
use super::counted::Compared;
use super::tally::{Counts, Program, Tally, is_of_kernel};

/// The whole of it.
#[derive(Debug)]
pub struct Report {
    pub summary: Summary,
    pub mappings: Vec<MappingRow>,
    pub modules: Vec<ModuleRow>,
    pub functions: Vec<FunctionRow>,
    pub threads: Vec<ThreadRow>,
    /// Whether there is more than one program, and which one a row is of needs saying.
    pub several: bool,
}

/// The figures of the run.
#[derive(Debug)]
pub struct Summary {
    pub id: ProcessId,
    pub name: Option<OsString>,
    pub duration: Duration,
    pub counts: Counts,
    pub lost: u64,
    /// What the kernel counted for the process itself, children left out.
    pub counted: Option<Compared>,
    pub user_only: bool,
    /// Bytes for what each processor records.
    pub buffer: u64,
    /// Whether that is less than was asked for.
    pub short_of_room: bool,
    pub closed: Option<Closed>,
    /// Why there is no account.
    pub unaccounted: Option<String>,
    pub peak: Option<u64>,
}

/// The faults of a row.
#[derive(Debug, Clone)]
pub struct Sum {
    pub process: Named,
    pub counts: Counts,
    /// Of all faults, in per cent.
    pub share: f64,
}

#[derive(Debug)]
pub struct MappingRow {
    sum: Sum,
    pub mapping: Option<Mapping>,
    pub is_gone: bool,
    /// Of the account: bytes that came, that left, and that are there at the end.
    pub memory: Option<[u64; 3]>,
}

#[derive(Debug)]
pub struct ModuleRow {
    sum: Sum,
    pub module: Option<PathBuf>,
}

#[derive(Debug)]
pub struct FunctionRow {
    sum: Sum,
    pub module: Option<PathBuf>,
    /// The innermost one; `None` where nothing names it.
    pub function: Option<String>,
    /// Those that it was inlined into, from the next on outwards.
    pub inlined_into: Vec<String>,
    /// Where in it most faults were.
    pub source: Option<SourceLine>,
}

#[derive(Debug)]
pub struct ThreadRow {
    sum: Sum,
    pub id: u32,
    pub name: Option<Vec<u8>>,
}

macro_rules! summed {
    ($($row:ty),*) => {$(
        impl AsRef<Sum> for $row {
            fn as_ref(&self) -> &Sum {
                &self.sum
            }
        }
    )*};
}

summed!(MappingRow, ModuleRow, FunctionRow, ThreadRow);

/// Whose something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Named {
    pub id: ProcessId,
    pub name: Option<OsString>,
}

impl Named {
    fn of(program: &Program) -> Self {
        Named {
            id: program.id,
            name: program.name.clone(),
        }
    }
}

/// Instructions by what they are of.
#[derive(Debug)]
pub struct Code {
    /// By program and program counter.
    frames: HashMap<(usize, u64), Arc<[Frame]>>,
}

impl Code {
    /// Looks up all instructions that faults came from.
    pub fn of(tally: &mut Tally) -> Self {
        let mut wanted: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for key in tally.counts.keys() {
            wanted
                .entry(key.program)
                .or_default()
                .push(key.program_counter);
        }
        let mut frames = HashMap::new();
        for (program, mut addresses) in wanted {
            addresses.sort_unstable();
            addresses.dedup();
            let found = tally.frames(program, &addresses);
            let found = addresses.into_iter().zip(found);
            frames.extend(found.map(|(address, frames)| ((program, address), frames)));
        }
        Code { frames }
    }

    pub fn at(&self, program: usize, program_counter: u64) -> &[Frame] {
        self.frames
            .get(&(program, program_counter))
            .map_or(&[], |frames| &**frames)
    }
}

impl Tally {
    /// The functions of instructions; without symbols, nothing.
    pub fn frames(&mut self, program: usize, addresses: &[u64]) -> Vec<Arc<[Frame]>> {
        let space = self.programs[program].space.as_ref();
        match (&mut self.symbolizer, space) {
            (Some(symbolizer), Some(space)) => {
                symbolizer.symbolize(&space.process, &space.map, addresses)
            }
            _ => addresses.iter().map(|_| Arc::from([])).collect(),
        }
    }
}

impl Program {
    /// The module of an instruction, or what else the code is of.
    pub fn module(&self, program_counter: u64, frames: &[Frame]) -> Option<PathBuf> {
        if let Some(module) = frames.first().and_then(|frame| frame.module.as_ref()) {
            return Some(module.clone());
        }
        if is_of_kernel(program_counter) {
            return Some("[kernel]".into());
        }
        let place = self.space.as_ref()?.map.resolve(program_counter)?;
        match place.module {
            Some(module) => Some(module.path.clone()),
            None => Some(place.mapping.backing.label().into())
                .filter(|label: &PathBuf| !label.as_os_str().is_empty()),
        }
    }
}

impl Report {
    pub fn of(watching: &Watching, code: &Code) -> Self {
        let summary = watching.summary();
        let tally = &watching.tally;
        let sum = |process, counts| Sum::new(process, counts, tally);

        let mut modules: HashMap<(Named, Option<PathBuf>), Counts> = HashMap::new();
        let mut functions: HashMap<_, (Counts, HashMap<SourceLine, u64>)> = HashMap::new();
        let mut threads: BTreeMap<usize, Counts> = BTreeMap::new();
        let mut regions: BTreeMap<(usize, usize), Counts> = BTreeMap::new();
        for (key, &counts) in &tally.counts {
            let program = &tally.programs[key.program];
            let frames = code.at(key.program, key.program_counter);
            let module = program.module(key.program_counter, frames);
            let name = |frame: &Frame| frame.function.clone();
            let mut chain: Vec<Option<String>> = frames.iter().rev().map(name).collect();
            if chain.is_empty() {
                chain.push(None);
            }
            let modules = modules.entry((Named::of(program), module.clone()));
            modules.or_default().add(counts);
            let function = functions.entry((Named::of(program), module, chain));
            let (sum, sources) = function.or_default();
            sum.add(counts);
            if let Some(source) = frames.last().and_then(|frame| frame.source.clone()) {
                *sources.entry(source).or_default() += counts.total();
            }
            threads.entry(key.thread).or_default().add(counts);
            regions
                .entry((key.program, key.region))
                .or_default()
                .add(counts);
        }

        let modules = modules
            .into_iter()
            .map(|((process, module), counts)| ModuleRow {
                sum: sum(process, counts),
                module,
            });
        let functions = functions.into_iter().map(|(what, (counts, sources))| {
            let (process, module, chain) = what;
            let mut chain = chain.into_iter();
            let source = sources.into_iter().max_by(|(a, most), (b, than)| {
                // Of several with as many, always the same.
                most.cmp(than)
                    .then(b.path.cmp(&a.path))
                    .then(b.line.cmp(&a.line))
            });
            FunctionRow {
                sum: sum(process, counts),
                module,
                function: chain.next().flatten(),
                inlined_into: chain.map(Option::unwrap_or_default).collect(),
                source: source.map(|(source, _)| source),
            }
        });
        let thread_rows = threads.into_iter().map(|(thread, counts)| {
            let thread = &tally.threads[thread];
            let name = |program: usize| tally.programs[program].name.clone();
            let process = Named {
                id: thread.process,
                name: tally.current(thread.process).and_then(name),
            };
            ThreadRow {
                sum: sum(process, counts),
                id: thread.id,
                name: thread.name.clone(),
            }
        });
        let mut report = Report {
            summary,
            mappings: watching.mapping_rows(regions),
            modules: modules.collect(),
            functions: functions.collect(),
            threads: thread_rows.collect(),
            several: tally.programs.len() > 1,
        };
        report
            .modules
            .sort_by(|a, b| order(a, b).then(a.module.cmp(&b.module)));
        report.functions.sort_by(|a, b| {
            order(a, b)
                .then(a.module.cmp(&b.module))
                .then(a.function.cmp(&b.function))
                .then(a.inlined_into.cmp(&b.inlined_into))
        });
        report
            .threads
            .sort_by(|a, b| order(a, b).then(a.id.cmp(&b.id)));
        report
    }

    /// Leaves the first rows of each list; tells whether there were more.
    pub fn cut(&mut self, top: usize) -> bool {
        let lengths = [
            self.mappings.len(),
            self.modules.len(),
            self.functions.len(),
            self.threads.len(),
        ];
        self.mappings.truncate(top);
        self.modules.truncate(top);
        self.functions.truncate(top);
        self.threads.truncate(top);
        lengths.iter().any(|&length| length > top)
    }
}

/// Most faults first.
fn order(one: &impl AsRef<Sum>, other: &impl AsRef<Sum>) -> std::cmp::Ordering {
    let total = |sum: &Sum| sum.counts.total();
    total(other.as_ref()).cmp(&total(one.as_ref()))
}

impl Sum {
    fn new(process: Named, counts: Counts, tally: &Tally) -> Self {
        Sum {
            process,
            counts,
            share: counts.total() as f64 * 100.0 / tally.total.total().max(1) as f64,
        }
    }
}

impl Watching {
    fn summary(&self) -> Summary {
        let last = self.tally.current(self.id);
        let closed = self.account.close(self.page_size);
        // What the kernel calls the peak is behind what is there before Linux 6.2.
        let seen = closed
            .as_ref()
            .map_or(0, |closed| closed.before.max(closed.after));
        let unaccounted = match (&closed, &self.unaccounted) {
            (Some(_), _) => None,
            (None, Some(error)) => Some(error.to_string()),
            (None, None) => {
                Some("the process ended before its memory was looked at again".to_owned())
            }
        };
        Summary {
            id: self.id,
            name: last.and_then(|program| self.tally.programs[program].name.clone()),
            duration: self.duration,
            counts: self.tally.total,
            lost: self.lost,
            counted: self.compared(),
            user_only: self.is_user_only(),
            buffer: self.buffer_size(),
            short_of_room: self.is_short_of_room(),
            closed,
            unaccounted,
            peak: self.peak.map(|peak| peak.max(seen)),
        }
    }

    fn compared(&self) -> Option<Compared> {
        // What was lost may have been its children's.
        if self.children && self.lost > 0 {
            return None;
        }
        let own = self.tally.of_process(self.id).total();
        self.counted.compare(own + self.lost)
    }

    /// A row for each region that took faults, and for mappings of the account that memory came to or
    /// left without any.
    fn mapping_rows(&self, regions: BTreeMap<(usize, usize), Counts>) -> Vec<MappingRow> {
        let tally = &self.tally;
        let row = |program: usize, mapping, is_gone| MappingRow {
            sum: Sum::new(
                Named::of(&tally.programs[program]),
                Counts::default(),
                tally,
            ),
            mapping,
            is_gone,
            memory: None,
        };
        // What has grown together is one mapping now.
        let mut rows: BTreeMap<_, MappingRow> = BTreeMap::new();
        for ((program, region), counts) in regions {
            let (mapping, is_gone) = tally.programs[program].latest(region);
            let place = mapping.as_ref().map(|mapping| (mapping.start, mapping.end));
            // Several that have gone may have been at the same place.
            let key = (program, place, is_gone.then_some(region));
            let row = rows
                .entry(key)
                .or_insert_with(|| row(program, mapping, is_gone));
            row.sum.counts.add(counts);
        }
        let last = tally.current(self.id);
        let memory = self.account.difference().zip(self.account.after.as_ref());
        if let (Some(program), Some(((came, left), after))) = (last, memory) {
            let within = |pages: &Pages, mapping: &Mapping| {
                pages.bytes_within(&(mapping.start..mapping.end))
            };
            for mapping in &after.mappings {
                let memory = [&came, &left, &after.pages].map(|pages| within(pages, mapping));
                let key = (program, Some((mapping.start, mapping.end)), None);
                if memory[..2] != [0, 0] || rows.contains_key(&key) {
                    let row = rows
                        .entry(key)
                        .or_insert_with(|| row(program, Some(mapping.clone()), false));
                    row.memory = Some(memory);
                }
            }
        }
        let mut rows: Vec<MappingRow> = rows.into_values().collect();
        for row in &mut rows {
            let process = row.sum.process.clone();
            row.sum = Sum::new(process, row.sum.counts, tally);
        }
        let start = |row: &MappingRow| row.mapping.as_ref().map(|mapping| mapping.start);
        rows.sort_by(|a, b| order(a, b).then(start(a).cmp(&start(b))));
        rows
    }
}
