//! Reads the memory of a process for the caller.

use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::calls::process_vm_readv::Memory;
use crate::sys::linux::process::Process;

/// Reads memory at an address. Returns the number of bytes before the first one that the process
/// itself could not read.
pub(crate) fn read_memory(
    process: &Process,
    address: u64,
    into: &mut [u8],
) -> Result<usize, SourceError> {
    process.retry(|directory| {
        // `process_vm_readv` with the process's id accesses the group leader, so it cannot replace
        // the directory of another thread.
        let is_own = std::ptr::eq(directory, process.directory());
        let direct = process.id_for_system_calls()?.filter(|_| is_own);
        let memory = Memory::open(directory, direct)?
            .ok_or_else(|| directory.error_at(b"mem", Errno::ACCESS))?;
        let length = memory.read_accessible(address, into);
        // If the process still exists, the bytes are its own. A process that just lost its address
        // space has no readable memory.
        if process.memory_owner().is_none() {
            return Err(directory.error_at(b"mem", Errno::SRCH));
        }
        Ok(length)
    })
}
