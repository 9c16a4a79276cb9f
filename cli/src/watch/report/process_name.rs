//! A process and the name of its program.

use std::ffi::OsString;

use psapi::ProcessId;

use crate::watch::engine::tally::Program;

/// A process and the name of its program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessName {
    pub id: ProcessId,
    pub name: Option<OsString>,
}

impl ProcessName {
    pub fn new(program: &Program) -> Self {
        ProcessName {
            id: program.process,
            name: program.name.clone(),
        }
    }
}
