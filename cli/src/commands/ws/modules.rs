//! Modules as ranges of addresses, from a process or from the mappings of a saved working set.

use std::ops::Range;
use std::path::PathBuf;

use psapi::{Backing, Mapping, ModuleFilter, Process};

/// A module, and the addresses that it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleRange {
    pub path: PathBuf,
    pub range: Range<u64>,
}

impl ModuleRange {
    /// Returns the size of the range in bytes.
    pub fn size(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// Returns the modules of a process.
pub fn of_process(process: &Process) -> psapi::Result<Vec<ModuleRange>> {
    let modules = process.modules(ModuleFilter::All)?.into_iter();
    let range = |module: psapi::Module| ModuleRange {
        range: module.base..module.base.saturating_add(module.size),
        path: module.path,
    };
    Ok(modules.map(range).collect())
}

/// Returns the modules in mappings: the files with code, from the first to the last segment.
///
/// A saved working set has neither headers nor files. Adjacent mappings of a file belong to one
/// module if their offsets increase. Otherwise, the file is mapped again. Memory without a file
/// directly after variables contains the variables that are initially zero.
pub fn of_mappings(mappings: &[Mapping]) -> Vec<ModuleRange> {
    let mut modules: Vec<Candidate> = Vec::new();
    for mapping in mappings {
        let path = match &mapping.backing {
            Backing::File { path, .. } => path.clone(),
            Backing::Vdso => PathBuf::from("[vdso]"),
            Backing::Anonymous { .. } => {
                let follows = |module: &&mut Candidate| {
                    module.module.range.end == mapping.start && module.ends_in_variables
                };
                if let Some(module) = modules.last_mut().filter(follows) {
                    module.module.range.end = mapping.end;
                    module.ends_in_variables = false;
                }
                continue;
            }
            _ => continue,
        };
        let is_next = |module: &&mut Candidate| {
            let continues = match (module.offset, mapping.offset) {
                (Some(before), Some(offset)) => before < offset,
                // Windows reports no offsets. The parts of its modules are adjacent.
                _ => module.module.range.end == mapping.start,
            };
            module.module.path == path && continues
        };
        let has_code = mapping.executable || mapping.backing == Backing::Vdso;
        match modules.last_mut().filter(is_next) {
            Some(module) => {
                module.module.range.end = mapping.end;
                module.offset = mapping.offset;
                module.has_code |= has_code;
                module.ends_in_variables = mapping.writable;
            }
            None => modules.push(Candidate {
                module: ModuleRange {
                    path,
                    range: mapping.start..mapping.end,
                },
                offset: mapping.offset,
                has_code,
                ends_in_variables: mapping.writable,
            }),
        }
    }
    let modules = modules.into_iter().filter(|module| module.has_code);
    modules.map(|module| module.module).collect()
}

/// A file that is mapped, and might be a module.
struct Candidate {
    module: ModuleRange,
    /// The offset of the last segment in the file; `None` if unknown.
    offset: Option<u64>,
    has_code: bool,
    ends_in_variables: bool,
}

/// Returns the modules after a change, and the former modules that are gone.
pub fn before_and_after(before: &[ModuleRange], after: &[ModuleRange]) -> Vec<ModuleRange> {
    let overlap = |a: &Range<u64>, b: &Range<u64>| a.start < b.end && b.start < a.end;
    let is_gone = |old: &&ModuleRange| !after.iter().any(|new| overlap(&new.range, &old.range));
    let gone = before.iter().filter(is_gone);
    after.iter().chain(gone).cloned().collect()
}
