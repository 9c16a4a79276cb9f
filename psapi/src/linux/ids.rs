//! The ids of all processes: `getdents64` on the proc root.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{PROC_SUPER_MAGIC, RawDir};
use rustix::io::Errno;

use super::file::Directory;
use super::text;
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// The room that a part of a listing is read into; reused, it is allocated once.
///
/// The default one is for who goes on to read each process. To list one, the kernel touches much
/// of what it touches to open its files: with a hundred or two at a time that is still in the
/// processor's caches when they are opened, which saves half the cost of the listing.
#[derive(Debug, Default)]
pub(crate) struct Room(Vec<MaybeUninit<u8>>);

impl Room {
    const DEFAULT: usize = 4 * 1024;

    /// For who wants the ids alone: about a thousand a call, which makes the calls cheap beside the
    /// entries; a larger one costs more in fresh memory than it saves in calls.
    pub(crate) fn for_all() -> Self {
        Room(vec![MaybeUninit::uninit(); 32 * 1024])
    }

    fn bytes(&mut self) -> &mut [MaybeUninit<u8>] {
        if self.0.is_empty() {
            self.0.resize(Room::DEFAULT, MaybeUninit::uninit());
        }
        &mut self.0
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
#[derive(Debug)]
pub(crate) struct Listing {
    fd: OwnedFd,
    /// The kernel lists processes in order; a copied tree need not, and is sorted as a whole.
    in_order: bool,
}

impl Listing {
    /// Begins to list the directory that has a name below another one; `.` is that itself. The
    /// descriptor is the listing's own: two threads may list at the same time, and each needs a
    /// position.
    pub(crate) fn of(directory: &Directory, name: &[u8]) -> Result<Self, Errno> {
        let fd = directory.try_directory(name)?;
        let kind = rustix::fs::fstatfs(&fd)?;
        Ok(Listing {
            fd,
            in_order: kind.f_type == PROC_SUPER_MAGIC,
        })
    }

    /// Adds the next ids to `ids`; says whether there may be more.
    pub(crate) fn next(
        &mut self,
        room: &mut Room,
        ids: &mut Vec<ProcessId>,
    ) -> Result<bool, Errno> {
        let mut entries = RawDir::new(&self.fd, room.bytes());
        while let Some(entry) = entries.next() {
            ids.extend(parse_name(entry?.file_name().to_bytes()));
            if self.in_order && entries.is_buffer_empty() {
                return Ok(true);
            }
        }
        if !self.in_order {
            ids.sort_unstable();
        }
        Ok(false)
    }
}

/// Lists the ids of the processes under a proc root, ascending.
pub(crate) fn list(root: &Directory) -> Result<Vec<ProcessId>, Refusal> {
    let mut ids = Vec::new();
    let mut read = || {
        let mut listing = Listing::of(root, b".")?;
        let mut room = Room::for_all();
        while listing.next(&mut room, &mut ids)? {}
        Ok(())
    };
    read().map_err(|errno| root.refusal(b"", errno))?;
    if ids.is_empty() {
        return Err(no_proc(root));
    }
    Ok(ids)
}

/// Whether a proc root holds any process that the caller may see. Of a whole proc file system this
/// takes a call or two: the entries before the processes are few.
pub(crate) fn are_any(root: &Directory) -> Result<bool, Errno> {
    let mut listing = Listing::of(root, b".")?;
    let (mut room, mut ids) = (Room::default(), Vec::new());
    while listing.next(&mut room, &mut ids)? && ids.is_empty() {}
    Ok(!ids.is_empty())
}

/// What is said of a proc root without processes.
pub(crate) fn no_proc(root: &Directory) -> Refusal {
    Refusal::new(root.path(), Cause::NotProc)
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
