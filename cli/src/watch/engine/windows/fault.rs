//! Faults: Windows records the address, the instruction and the thread.

use psapi::{ProcessId, WorkingSetWatch};

use crate::sys::monotonic_ns;

/// Whether faults have a time, a kind and a CPU.
pub const FAULTS_ARE_DETAILED: bool = false;

/// A fault.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The time at which the fault was fetched, in nanoseconds of the clock of the command.
    pub time: u64,
    /// The address of the instruction that accessed the page.
    pub program_counter: u64,
    /// The address that was accessed.
    pub address: u64,
    pub process: ProcessId,
    /// The id of the thread.
    pub thread: u32,
}

/// Replaces the content of a buffer with the faults since the previous call. Returns the number of
/// lost faults.
pub fn take_faults(watch: &mut WorkingSetWatch, faults: &mut Vec<Fault>) -> psapi::Result<u64> {
    let changes = watch.changes()?;
    let time = monotonic_ns();
    faults.clear();
    faults.extend(changes.faults.iter().map(|fault| Fault {
        time,
        program_counter: fault.program_counter,
        address: fault.address,
        process: fault.process,
        thread: fault.thread,
    }));
    Ok(changes.lost)
}

/// Returns `None`: Windows does not record the CPU.
pub fn fault_cpu(_: &Fault) -> Option<u32> {
    None
}

/// Returns `None`: Windows does not record whether the page was read from a file.
pub fn is_major(_: &Fault) -> Option<bool> {
    None
}
