//! Where working sets come from: processes, and files.

use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use psapi::{Module, ModuleFilter, WorkingSet};

use super::Args;
use crate::progress::Progress;
use crate::session::Session;
use crate::target::Watch;

/// A working set, and what it is shown by.
pub struct Taken {
    pub set: WorkingSet,
    /// The modules of its process, if they were asked for.
    pub modules: Vec<Module>,
}

impl Taken {
    pub fn saved(set: WorkingSet) -> Self {
        Taken {
            set,
            modules: Vec::new(),
        }
    }
}

/// Takes those of the targets.
pub fn take(args: &Args, targets: &mut Watch, session: &mut Session) -> Vec<Taken> {
    let options = args.options();
    let mut taken = Vec::new();
    targets.ask(session, |process| {
        let mut progress = Progress::new(format!("process {}", process.id()));
        let set = process.working_set_with(&options, |so_far| {
            progress.tell(so_far.found, so_far.expected);
            ControlFlow::Continue(())
        })?;
        let modules = match args.modules {
            true => process.modules(ModuleFilter::All)?,
            false => Vec::new(),
        };
        taken.push(Taken { set, modules });
        Ok(())
    });
    taken
}

/// Loads a saved one; `-` is standard input.
pub fn load(file: &Path) -> Result<WorkingSet> {
    let loaded = if file.as_os_str() == "-" {
        WorkingSet::read_from(io::stdin().lock())
    } else {
        // Not an error of the output: that is its own.
        let opened = File::open(file)
            .map_err(|error| anyhow!("can't read the saved working set: {error}"))
            .with_context(|| file.display().to_string())?;
        WorkingSet::read_from(BufReader::new(opened))
    };
    loaded.with_context(|| file.display().to_string())
}
