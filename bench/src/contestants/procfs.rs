//! The crate `procfs`.

use procfs::process::{Process, all_processes};
use std::hint::black_box;

/// The same fields as `Fields::MEMORY`, for all processes.
pub fn capture() -> anyhow::Result<()> {
    for process in all_processes()? {
        // A process that ends meanwhile is left out, as it is here.
        let Ok(process) = process else { continue };
        black_box((process.stat().ok(), process.status().ok()));
    }
    Ok(())
}

pub fn ids() -> anyhow::Result<()> {
    for process in all_processes()? {
        black_box(process.map(|process| process.pid()).ok());
    }
    Ok(())
}

/// Merely lists a process's mappings.
pub fn maps(id: u32) -> anyhow::Result<()> {
    black_box(Process::new(id as i32)?.maps()?);
    Ok(())
}
