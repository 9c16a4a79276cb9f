//! The crate `procfs`.

use procfs::process::{Process, all_processes};
use std::hint::black_box;

/// Reads the same fields as `Fields::MEMORY` of all processes.
pub fn capture() -> anyhow::Result<()> {
    for process in all_processes()? {
        // Processes that exit during the capture are left out, as in this library.
        let Ok(process) = process else { continue };
        black_box((process.stat().ok(), process.status().ok()));
    }
    Ok(())
}

/// Lists the ids of all processes.
pub fn ids() -> anyhow::Result<()> {
    for process in all_processes()? {
        black_box(process.map(|process| process.pid()).ok());
    }
    Ok(())
}

/// Lists the mappings of a process, without finding modules.
pub fn maps(id: u32) -> anyhow::Result<()> {
    black_box(Process::new(id as i32)?.maps()?);
    Ok(())
}
