//! What is measured: one file for each task. A workload says what each contestant came to; which
//! of them are held against which, and the bars, are in [`bars`](crate::bars).

pub mod c_library;
pub mod capture;
pub mod command;
pub mod ids;
pub mod mapped;
pub mod modules;
pub mod room;
pub mod system_calls;
pub mod watch;
pub mod working_set;

use std::cell::OnceCell;

use crate::fleet::{Fleet, PROCESSES};
use crate::libraries::Libraries;

/// What the workloads run against, started when first asked for.
#[derive(Default)]
pub struct Stage {
    fleet: OnceCell<Fleet>,
    libraries: OnceCell<Libraries>,
    random_calls: OnceCell<[f64; 2]>,
}

impl Stage {
    /// The 5,000 processes.
    pub fn fleet(&self) -> anyhow::Result<&Fleet> {
        once(&self.fleet, || {
            eprintln!("starting {PROCESSES} processes …");
            Fleet::start(PROCESSES)
        })
    }

    /// The process with hundreds of libraries.
    pub fn libraries(&self) -> anyhow::Result<&Libraries> {
        once(&self.libraries, || {
            eprintln!("loading all shared libraries into one process …");
            Libraries::load()
        })
    }

    /// Descriptors and bytes that random calls of the C library have leaked.
    pub fn random_calls(&self) -> anyhow::Result<[f64; 2]> {
        once(&self.random_calls, c_library::random_calls).copied()
    }

    /// What was started, for the report.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(fleet) = self.fleet.get() {
            lines.push(format!("{} sleeping processes of our own", fleet.len()));
        }
        if let Some(libraries) = self.libraries.get() {
            let copies = match libraries.copies {
                0 => String::new(),
                copies => format!(", {copies} of them copies of one"),
            };
            let loaded = libraries.loaded;
            lines.push(format!(
                "one process with {loaded} shared libraries loaded{copies}"
            ));
        }
        lines
    }
}

fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<&T> {
    if cell.get().is_none() {
        let made = make()?;
        let _ = cell.set(made);
    }
    let Some(made) = cell.get() else {
        unreachable!("it was set above");
    };
    Ok(made)
}
