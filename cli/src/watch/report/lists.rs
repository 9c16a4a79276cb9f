//! The figures of a watch, and its faults by mapping, module, function and thread.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use psapi::{Mapping, ProcessId};

use super::call_tree::{CallTree, Function, FunctionIndex, Start};
use super::process_name::ProcessName;
use super::resolved_code::ResolvedCode;
use crate::watch::engine::account::{ClosedAccount, PageRanges};
use crate::watch::engine::accounting::Accounting;
use crate::watch::engine::kernel_count::CountCheck;
use crate::watch::engine::session::Watched;
use crate::watch::engine::tally::{Counts, Tally};
use crate::watch::engine::{MissingSymbols, SourceLine};

/// The report of a watch.
#[derive(Debug)]
pub struct Report {
    pub summary: Summary,
    pub mappings: Vec<MappingRow>,
    pub modules: Vec<ModuleRow>,
    pub functions: Vec<FunctionRow>,
    pub threads: Vec<ThreadRow>,
    /// The modules without symbols.
    pub missing: Vec<MissingSymbols>,
    /// Whether the watch saw more than one program, so that rows have to name theirs.
    pub has_several_programs: bool,
}

/// The figures of the whole watch.
#[derive(Debug)]
pub struct Summary {
    pub id: ProcessId,
    pub name: Option<OsString>,
    pub duration: Duration,
    pub counts: Counts,
    pub lost: u64,
    /// The comparison with the kernel's count for the process itself, children excluded.
    pub count_check: Option<CountCheck>,
    pub user_only: bool,
    /// Size in bytes of the ring buffer of each CPU.
    pub buffer: Option<u64>,
    /// Whether the buffers are smaller than requested.
    pub has_small_buffer: bool,
    pub account: Option<ClosedAccount>,
    /// The reason for a missing account.
    pub unaccounted: Option<String>,
    /// Number of programs that ran.
    pub programs: usize,
    /// The files without symbols, because their file systems do not respond.
    pub unread: Vec<PathBuf>,
    pub peak: Option<u64>,
}

/// The faults of a row and their share of all faults.
#[derive(Debug, Clone)]
pub struct FaultShare {
    pub process: ProcessName,
    pub counts: Counts,
    pub percent: f64,
}

#[derive(Debug)]
pub struct MappingRow {
    faults: FaultShare,
    pub mapping: Option<Mapping>,
    pub is_gone: bool,
    /// Bytes that arrived, that were evicted, and that are resident at the end.
    pub memory: Option<[u64; 3]>,
}

#[derive(Debug)]
pub struct ModuleRow {
    faults: FaultShare,
    pub module: Option<PathBuf>,
}

#[derive(Debug)]
pub struct FunctionRow {
    faults: FaultShare,
    pub module: Option<PathBuf>,
    /// The innermost function; `None` if no symbol covers the instruction.
    pub function: Option<String>,
    /// The start of the function or, for an inlined one, of the function that it is in.
    pub start: Option<Start>,
    /// The functions that it was inlined into, from the innermost outwards.
    pub inlined_into: Vec<String>,
    /// Whether another function has the same name.
    pub is_ambiguous: bool,
    /// The line with the most faults.
    pub source: Option<SourceLine>,
}

#[derive(Debug)]
pub struct ThreadRow {
    faults: FaultShare,
    pub id: u32,
    pub name: Option<Vec<u8>>,
}

macro_rules! impl_fault_share {
    ($($row:ty),*) => {$(
        impl AsRef<FaultShare> for $row {
            fn as_ref(&self) -> &FaultShare {
                &self.faults
            }
        }
    )*};
}

impl_fault_share!(MappingRow, ModuleRow, FunctionRow, ThreadRow);

impl Report {
    pub fn new(watched: &Watched, code: &ResolvedCode) -> Self {
        let tally = &watched.accounting.tally;
        let share = |process, counts| FaultShare::new(process, counts, tally);

        let mut modules: HashMap<(ProcessName, Option<PathBuf>), Counts> = HashMap::new();
        let mut functions: HashMap<FunctionIndex, Counts> = HashMap::new();
        let mut threads: BTreeMap<usize, Counts> = BTreeMap::new();
        let mut regions: BTreeMap<(usize, usize), Counts> = BTreeMap::new();
        for (key, &counts) in &tally.counts {
            let program = &tally.programs[key.program];
            let frames = code.frames(key.program, key.program_counter);
            let module = program.module(key.program_counter, frames);
            let row = modules.entry((ProcessName::new(program), module));
            row.or_default().add(counts);
            let function = code.functions().innermost(key.program, key.program_counter);
            if let Some(function) = function {
                functions.entry(function).or_default().add(counts);
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
                faults: share(process, counts),
                module,
            });
        let functions = functions
            .into_iter()
            .map(|(index, counts)| FunctionRow::new(code.functions(), index, counts, tally));
        let threads = threads.into_iter().map(|(thread, counts)| {
            let thread = &tally.threads[thread];
            let process = ProcessName {
                id: thread.process,
                name: tally.name(thread.process).map(OsString::from),
            };
            ThreadRow {
                faults: share(process, counts),
                id: thread.id,
                name: thread.name.clone(),
            }
        });
        let mut report = Report {
            summary: Summary::new(watched),
            mappings: mapping_rows(&watched.accounting, regions),
            modules: modules.collect(),
            functions: functions.collect(),
            threads: threads.collect(),
            missing: code.missing().to_vec(),
            has_several_programs: tally.programs.len() > 1,
        };
        report
            .modules
            .sort_by(|a, b| by_faults(a, b).then(a.module.cmp(&b.module)));
        report.functions.sort_by(|a, b| {
            by_faults(a, b)
                .then(a.module.cmp(&b.module))
                .then(a.function.cmp(&b.function))
                .then(a.inlined_into.cmp(&b.inlined_into))
                .then(a.start.cmp(&b.start))
        });
        report
            .threads
            .sort_by(|a, b| by_faults(a, b).then(a.id.cmp(&b.id)));
        report
    }

    /// Returns the modules without symbols that a row of the functions shows.
    pub fn missing_in_rows(&self) -> impl Iterator<Item = &MissingSymbols> {
        self.missing.iter().filter(|missing| {
            let is_incomplete = |row: &FunctionRow| row.function.is_none() || row.source.is_none();
            let is_of_module = |row: &FunctionRow| match &row.module {
                Some(module) => *module == missing.module,
                None => missing.module.as_os_str() == "[generated code]",
            };
            let rows = self.functions.iter();
            rows.filter(|row| is_incomplete(row)).any(is_of_module)
        })
    }

    /// Truncates each list to `top` rows. Returns true if a list was longer.
    pub fn truncate(&mut self, top: usize) -> bool {
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

impl FunctionRow {
    fn new(tree: &CallTree, index: FunctionIndex, counts: Counts, tally: &Tally) -> Self {
        let function = tree.function(index);
        let name = |function: &Function| function.name.clone().unwrap_or_default();
        let mut outwards = tree.outwards(index);
        FunctionRow {
            faults: FaultShare::new(function.process.clone(), counts, tally),
            module: function.module.clone(),
            function: function.name.clone(),
            start: outwards
                .clone()
                .last()
                .and_then(|outermost| outermost.start),
            inlined_into: outwards.clone().skip(1).map(name).collect(),
            is_ambiguous: outwards.any(|function| function.is_ambiguous),
            source: function.source.clone(),
        }
    }
}

/// Orders rows by descending number of faults.
fn by_faults(one: &impl AsRef<FaultShare>, other: &impl AsRef<FaultShare>) -> std::cmp::Ordering {
    let total = |share: &FaultShare| share.counts.total();
    total(other.as_ref()).cmp(&total(one.as_ref()))
}

impl FaultShare {
    fn new(process: ProcessName, counts: Counts, tally: &Tally) -> Self {
        FaultShare {
            process,
            counts,
            percent: counts.total() as f64 * 100.0 / tally.total.total().max(1) as f64,
        }
    }
}

impl Summary {
    fn new(watched: &Watched) -> Self {
        let accounting = &watched.accounting;
        let account = accounting.account.close(accounting.page_size);
        // Before Linux 6.2 the kernel's peak can be lower than the resident pages.
        let resident = account
            .as_ref()
            .map_or(0, |account| account.before.max(account.after));
        let unaccounted = match (&account, &accounting.account_error) {
            (Some(_), _) => None,
            (None, Some(error)) => Some(error.clone()),
            (None, None) => Some("the process ended before its memory could be read".to_owned()),
        };
        Summary {
            id: accounting.process,
            name: accounting
                .tally
                .name(accounting.process)
                .map(OsString::from),
            duration: watched.duration,
            counts: accounting.tally.total,
            lost: accounting.lost,
            count_check: watched.count_check,
            user_only: watched.buffer.is_user_only,
            buffer: watched.buffer.size,
            has_small_buffer: watched.buffer.is_small,
            account,
            unaccounted,
            programs: accounting.tally.program_count(),
            unread: accounting
                .tally
                .files
                .unread()
                .map(Path::to_owned)
                .collect(),
            peak: accounting.peak.map(|peak| peak.max(resident)),
        }
    }
}

/// Adds up rows that would look the same. A process can map and unmap equal memory repeatedly, and
/// several of its programs can have equal mappings.
fn merge_equal(rows: impl Iterator<Item = MappingRow>) -> Vec<MappingRow> {
    let mut merged: Vec<MappingRow> = Vec::new();
    let mut by_range: HashMap<_, Vec<usize>> = HashMap::new();
    for row in rows {
        let range = row
            .mapping
            .as_ref()
            .map(|mapping| (mapping.start, mapping.end));
        let candidates = by_range.entry((row.faults.process.id, range)).or_default();
        let equal = candidates
            .iter()
            .find(|&&index| merged[index].looks_like(&row));
        if let Some(&index) = equal {
            merged[index].add(&row);
        } else {
            candidates.push(merged.len());
            merged.push(row);
        }
    }
    merged
}

impl MappingRow {
    fn looks_like(&self, other: &MappingRow) -> bool {
        let shown = |row: &MappingRow| {
            let mapping = row.mapping.as_ref()?;
            let access = [
                mapping.readable,
                mapping.writable,
                mapping.executable,
                mapping.shared,
            ];
            Some((access, mapping.backing.clone()))
        };
        self.faults.process == other.faults.process
            && self.is_gone == other.is_gone
            && shown(self) == shown(other)
    }

    fn add(&mut self, other: &MappingRow) {
        self.faults.counts.add(other.faults.counts);
        self.memory = match (self.memory, other.memory) {
            (Some(one), Some(other)) => {
                Some(std::array::from_fn(|index| one[index] + other[index]))
            }
            (one, other) => one.or(other),
        };
    }
}

/// Returns a row for each mapping that took faults, and for each mapping of the account whose
/// resident pages changed.
fn mapping_rows(
    accounting: &Accounting,
    regions: BTreeMap<(usize, usize), Counts>,
) -> Vec<MappingRow> {
    let tally = &accounting.tally;
    let empty_row = |program: usize, mapping, is_gone| MappingRow {
        faults: FaultShare::new(
            ProcessName::new(&tally.programs[program]),
            Counts::default(),
            tally,
        ),
        mapping,
        is_gone,
        memory: None,
    };
    // Regions that have merged into one mapping share its row. The key is the program, the range
    // and, for mappings that are gone, the region: several such mappings might have had the same
    // range.
    let mut rows: BTreeMap<_, MappingRow> = BTreeMap::new();
    for ((program, region), counts) in regions {
        let (mapping, is_gone) = tally.programs[program].latest(region);
        let range = mapping.as_ref().map(|mapping| (mapping.start, mapping.end));
        let key = (program, range, is_gone.then_some(region));
        let row = rows
            .entry(key)
            .or_insert_with(|| empty_row(program, mapping, is_gone));
        row.faults.counts.add(counts);
    }
    // Only the last program of the watched process has an account.
    let last = tally.current(accounting.process);
    let account = &accounting.account;
    let memory = account.difference().zip(account.after.as_ref());
    if let (Some(program), Some(((arrived, evicted), after))) = (last, memory) {
        let within = |pages: &PageRanges, mapping: &Mapping| {
            pages.bytes_within(&(mapping.start..mapping.end))
        };
        for mapping in &after.mappings {
            let memory = [&arrived, &evicted, &after.pages].map(|pages| within(pages, mapping));
            let key = (program, Some((mapping.start, mapping.end)), None);
            if memory[..2] != [0, 0] || rows.contains_key(&key) {
                let row = rows
                    .entry(key)
                    .or_insert_with(|| empty_row(program, Some(mapping.clone()), false));
                row.memory = Some(memory);
            }
        }
    }
    let mut rows = merge_equal(rows.into_values());
    for row in &mut rows {
        // The counts are complete now, so the percentage can be computed.
        let process = row.faults.process.clone();
        row.faults = FaultShare::new(process, row.faults.counts, tally);
    }
    let start = |row: &MappingRow| row.mapping.as_ref().map(|mapping| mapping.start);
    rows.sort_by(|a, b| by_faults(a, b).then(start(a).cmp(&start(b))));
    rows
}
