//! The working sets that `psapi ws` shows: of processes, or saved in files.

use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use psapi::{WorkingSet, WorkingSetOptions};

use super::modules::{self, ModuleRange};
use crate::output::os_reason;
use crate::progress::Progress;
use crate::session::Session;
use crate::target::TrackedTargets;

/// A working set, and the modules of its process.
pub struct Sample {
    pub set: WorkingSet,
    /// Empty unless modules are shown.
    pub modules: Vec<ModuleRange>,
}

impl Sample {
    pub fn saved(set: WorkingSet) -> Self {
        Sample {
            modules: modules::of_mappings(set.mappings()),
            set,
        }
    }
}

/// Reads the working sets of the targets, and their modules if `with_modules` is set.
pub fn read(
    options: &WorkingSetOptions,
    with_modules: bool,
    targets: &mut TrackedTargets,
    session: &mut Session,
) -> Vec<Sample> {
    let mut samples = Vec::new();
    targets.for_each(session, |process| {
        let mut progress = Progress::new(format!("process {}", process.id()));
        let set = process.working_set_with(options, |so_far| {
            progress.update(so_far.found, so_far.expected);
            ControlFlow::Continue(())
        })?;
        let modules = if with_modules {
            modules::of_process(process)?
        } else {
            Vec::new()
        };
        samples.push(Sample { set, modules });
        Ok(())
    });
    samples
}

/// Returns the error for a target that selects several processes where one is needed.
pub fn several<'a>(rule: &str, sets: impl Iterator<Item = &'a WorkingSet>) -> anyhow::Error {
    let ids: Vec<String> = sets.map(|set| set.process().to_string()).collect();
    anyhow!("{rule}; choose one of the processes {}", ids.join(", "))
}

/// Reads a saved working set; `-` is standard input.
pub fn load(file: &Path) -> Result<WorkingSet> {
    let loaded = if file.as_os_str() == "-" {
        WorkingSet::read_from(io::stdin().lock())
    } else {
        // Convert to text: `main` reports an `io::Error` as a failure to write the output.
        let opened = File::open(file)
            .map_err(|error| anyhow!("cannot read saved working set: {}", os_reason(&error)))
            .with_context(|| file.display().to_string())?;
        WorkingSet::read_from(BufReader::new(opened))
    };
    loaded.with_context(|| file.display().to_string())
}
