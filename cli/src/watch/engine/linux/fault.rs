//! Faults with all details.

pub use psapi::PageFault as Fault;

use psapi::WorkingSetWatch;

/// Whether faults have a time, a kind and a CPU.
pub const FAULTS_ARE_DETAILED: bool = true;

/// Replaces the content of a buffer with the faults since the previous call. Returns the number of
/// lost faults.
pub fn take_faults(watch: &mut WorkingSetWatch, faults: &mut Vec<Fault>) -> psapi::Result<u64> {
    watch.changes_into(faults)
}

/// Returns the CPU on which the thread ran.
pub fn fault_cpu(fault: &Fault) -> Option<u32> {
    Some(fault.cpu)
}

/// Returns true if the page was read from a file or a page file.
pub fn is_major(fault: &Fault) -> Option<bool> {
    Some(fault.major)
}
