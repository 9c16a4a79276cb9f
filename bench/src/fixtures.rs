//! The processes that several workloads share, and results that several rows share.

use std::cell::OnceCell;

use crate::c_library;
use crate::fleet::{Fleet, PROCESSES};
use crate::libraries::Libraries;

/// Fixtures, each created at its first use.
#[derive(Default)]
pub struct Fixtures {
    fleet: OnceCell<Fleet>,
    libraries: OnceCell<Libraries>,
    random_calls: OnceCell<[f64; 2]>,
}

impl Fixtures {
    /// Returns the 5,000 processes.
    pub fn fleet(&self) -> anyhow::Result<&Fleet> {
        once(&self.fleet, || {
            eprintln!("starting {PROCESSES} processes …");
            Fleet::start(PROCESSES)
        })
    }

    /// Returns the process with hundreds of libraries.
    pub fn libraries(&self) -> anyhow::Result<&Libraries> {
        once(&self.libraries, || {
            eprintln!("loading all shared libraries into one process …");
            Libraries::load()
        })
    }

    /// Returns the descriptors and the bytes that random calls of the C library leak.
    pub fn random_calls(&self) -> anyhow::Result<[f64; 2]> {
        once(&self.random_calls, c_library::random_calls).copied()
    }

    /// Describes the fixtures in use, for the report.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(fleet) = self.fleet.get() {
            lines.push(format!("{} sleeping processes", fleet.len()));
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

/// Like [`OnceCell::get_or_init`], for a function that can fail.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<&T> {
    if cell.get().is_none() {
        let made = make()?;
        let _ = cell.set(made);
    }
    let Some(made) = cell.get() else {
        unreachable!("the cell was set above");
    };
    Ok(made)
}
