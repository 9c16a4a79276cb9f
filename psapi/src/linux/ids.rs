//! The ids of all processes: `getdents64` on the proc root.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{PROC_SUPER_MAGIC, RawDir};

use super::file::Directory;
use super::text;
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// The room that a part of a listing is read into; reused, it is allocated once.
#[derive(Debug)]
pub(crate) struct Room(Vec<MaybeUninit<u8>>);

impl Room {
    /// For who wants the ids alone: about a thousand a call, which makes the calls cheap beside the
    /// entries; a larger one costs more in fresh memory than it saves in calls.
    pub(crate) fn for_all() -> Self {
        Room(vec![MaybeUninit::uninit(); 32 * 1024])
    }

    /// For who goes on to read each process. To list one, the kernel touches much of what it touches
    /// to open its files: with a hundred or two at a time that is still in the processor's caches
    /// when they are opened, which saves half the cost of the listing.
    pub(crate) fn for_some() -> Self {
        Room(vec![MaybeUninit::uninit(); 4 * 1024])
    }
}

/// A directory entry's name as a process id: all digits, and a number that a process can have.
pub(crate) fn parse_name(name: &[u8]) -> Option<ProcessId> {
    // A leading zero would make a name that the kernel never gives.
    if name.first() == Some(&b'0') {
        return None;
    }
    let id = text::decimal(name)?;
    i32::try_from(id).ok().map(|id| ProcessId::new(id as u32))
}

/// A listing under way.
pub(crate) struct Listing<'a> {
    root: &'a Directory,
    fd: OwnedFd,
    /// The kernel lists processes in order; a copied tree need not, and is sorted as a whole.
    in_order: bool,
    found: bool,
}

impl<'a> Listing<'a> {
    pub(crate) fn of(root: &'a Directory) -> Result<Self, Refusal> {
        // A descriptor of its own: two threads may list at the same time, and each needs a position.
        let fd = root.reopen()?;
        let kind = rustix::fs::fstatfs(&fd).map_err(|errno| root.refusal(b"", errno))?;
        Ok(Listing {
            root,
            fd,
            in_order: kind.f_type == PROC_SUPER_MAGIC,
            found: false,
        })
    }

    /// Adds the next ids, ascending, to `ids`; says whether there may be more.
    pub(crate) fn next(
        &mut self,
        room: &mut Room,
        ids: &mut Vec<ProcessId>,
    ) -> Result<bool, Refusal> {
        let mut entries = RawDir::new(&self.fd, &mut room.0);
        let mut more = true;
        while more {
            match entries.next() {
                Some(Ok(entry)) => ids.extend(parse_name(entry.file_name().to_bytes())),
                Some(Err(errno)) => return Err(self.root.refusal(b"", errno)),
                None => more = false,
            }
            if self.in_order && entries.is_buffer_empty() {
                break;
            }
        }
        if !self.in_order {
            ids.sort_unstable();
        }
        self.found |= !ids.is_empty();
        if !more && !self.found {
            return Err(Refusal::new(self.root.path(), Cause::NotProc));
        }
        Ok(more)
    }
}

/// Lists the ids under a proc root, or those of the threads under a process's `task`, ascending.
pub(crate) fn list(root: &Directory) -> Result<Vec<ProcessId>, Refusal> {
    let mut listing = Listing::of(root)?;
    let mut room = Room::for_all();
    let mut ids = Vec::new();
    while listing.next(&mut room, &mut ids)? {}
    // Threads come in the order in which they started.
    if !ids.is_sorted() {
        ids.sort_unstable();
    }
    Ok(ids)
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
