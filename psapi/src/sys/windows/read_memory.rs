//! The contents of a process's memory.

use super::address_space::{AddressSpace, PAGE_SIZE};
use super::process::Process;
use crate::error::SourceError;

/// Reads memory at an address, and returns the number of bytes read.
pub(crate) fn read_memory(
    process: &Process,
    address: u64,
    into: &mut [u8],
) -> Result<usize, SourceError> {
    let space = AddressSpace::open_to_read(process)?;
    let mut done = space.read(address, into)?;
    // A call that meets unreadable memory stops anywhere before it. Its pages tell where.
    while done < into.len() {
        let Some(next) = address.checked_add(done as u64) else {
            break;
        };
        let rest = (PAGE_SIZE - next % PAGE_SIZE) as usize;
        let end = into.len().min(done + rest);
        match space.read(next, &mut into[done..end])? {
            0 => break,
            read => done += read,
        }
    }
    Ok(done)
}
