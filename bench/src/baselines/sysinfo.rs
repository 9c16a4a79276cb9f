//! The crate `sysinfo`, configured to read as little as possible.

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// Refreshes the memory of all processes. The crate has neither page faults nor peaks.
pub fn capture(system: &mut System) {
    let memory = ProcessRefreshKind::nothing().with_memory().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, memory);
}
