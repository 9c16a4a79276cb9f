//! The ids of all processes: `getdents64` on the proc root in large buffers.

use std::mem::MaybeUninit;

use rustix::fs::RawDir;

use super::file::Directory;
use super::text;
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// About a thousand processes a call, which makes the calls cheap beside the entries; a larger one
/// costs more in fresh memory than it saves in calls.
const BUFFER: usize = 32 * 1024;

/// The room that a listing works in; reused, it is allocated once.
#[derive(Debug, Default)]
pub(crate) struct Room(Vec<MaybeUninit<u8>>);

/// A directory entry's name as a process id: all digits, and a number that a process can have.
pub(crate) fn parse_name(name: &[u8]) -> Option<ProcessId> {
    // A leading zero would make a name that the kernel never gives.
    if name.first() == Some(&b'0') {
        return None;
    }
    let id = text::decimal(name)?;
    i32::try_from(id).ok().map(|id| ProcessId::new(id as u32))
}

/// Lists the ids under a proc root into `ids`, ascending.
pub(crate) fn list(
    proc_root: &Directory,
    room: &mut Room,
    ids: &mut Vec<ProcessId>,
) -> Result<(), Refusal> {
    ids.clear();
    room.0.resize(BUFFER, MaybeUninit::uninit());
    // A descriptor of its own: two threads may list at the same time, and each needs a position.
    let listing = proc_root.reopen()?;
    let mut entries = RawDir::new(&listing, &mut room.0);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|errno| proc_root.refusal(b"", errno))?;
        ids.extend(parse_name(entry.file_name().to_bytes()));
    }
    if ids.is_empty() {
        return Err(Refusal::new(proc_root.path(), Cause::NotProc));
    }
    // The kernel lists them in order; a copied tree need not.
    if !ids.is_sorted() {
        ids.sort_unstable();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_ids_are_ids() {
        assert_eq!(parse_name(b"1"), Some(ProcessId::new(1)));
        assert_eq!(parse_name(b"4194304"), Some(ProcessId::new(4_194_304)));
        for other in [
            &b""[..],
            b"0",
            b"01",
            b"self",
            b"1a",
            b"-1",
            b"2147483648",
            b"\xff",
        ] {
            assert_eq!(parse_name(other), None, "{other:?}");
        }
    }
}
