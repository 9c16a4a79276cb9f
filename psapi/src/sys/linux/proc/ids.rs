//! Process ids, listed with `getdents64` on the proc root. The same listing of `PROC/PID/task`
//! returns thread ids.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{PROC_SUPER_MAGIC, RawDir};
use rustix::io::Errno;

use crate::ProcessId;
use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text;

/// The buffer of a `getdents64` call. It is allocated once and reused.
///
/// The default size suits callers that then read each process, and holds 100 to 200 entries. To
/// list a process, the kernel touches much of the memory that it needs to open the process's files.
/// With small batches, that memory is still in the CPU caches, which saves half the cost of the
/// listing.
#[derive(Debug, Default)]
pub(crate) struct DirBuffer(Vec<MaybeUninit<u8>>);

impl DirBuffer {
    const DEFAULT: usize = 4 * 1024;

    /// Returns a buffer for callers that need only the ids. It holds about 1,000 entries, so the
    /// cost of the calls is small. A larger one costs more in page faults than it saves in calls.
    pub(crate) fn for_ids_only() -> Self {
        DirBuffer(vec![MaybeUninit::uninit(); 32 * 1024])
    }

    fn bytes(&mut self) -> &mut [MaybeUninit<u8>] {
        if self.0.is_empty() {
            self.0.resize(DirBuffer::DEFAULT, MaybeUninit::uninit());
        }
        &mut self.0
    }
}

/// Parses the name of a directory entry as a process id. Returns `None` if it is not a valid id.
pub(crate) fn parse_name(name: &[u8]) -> Option<ProcessId> {
    // The kernel writes no leading zeros, and no process has the id 0.
    if name.first() == Some(&b'0') {
        return None;
    }
    let id = text::decimal(name)?;
    i32::try_from(id).ok().map(|id| ProcessId::new(id as u32))
}

/// A directory listing in progress.
#[derive(Debug)]
pub(crate) struct Listing {
    fd: OwnedFd,
    /// Whether the directory lists ids in ascending order. A proc file system does; a copied tree
    /// might not, so its ids are read in one batch and sorted.
    in_order: bool,
}

impl Listing {
    /// Opens a directory below `directory`, or `directory` itself for `.`, to list it.
    ///
    /// Opens a new descriptor in either case. A descriptor has one read position, and two threads
    /// can list the same directory at the same time.
    pub(crate) fn open(directory: &Dir, name: &[u8]) -> Result<Self, Errno> {
        let fd = directory.try_directory(name)?;
        let file_system = rustix::fs::fstatfs(&fd)?;
        Ok(Listing {
            fd,
            in_order: file_system.f_type == PROC_SUPER_MAGIC,
        })
    }

    /// Appends the next batch of ids to `ids`. Returns true if more might follow.
    pub(crate) fn next_batch(
        &mut self,
        buffer: &mut DirBuffer,
        ids: &mut Vec<ProcessId>,
    ) -> Result<bool, Errno> {
        let mut entries = RawDir::new(&self.fd, buffer.bytes());
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

/// Lists the ids of the processes below a proc root in ascending order.
pub(crate) fn list(root: &Dir) -> Result<Vec<ProcessId>, SourceError> {
    let mut ids = Vec::new();
    let mut read = || {
        let mut listing = Listing::open(root, b".")?;
        let mut buffer = DirBuffer::for_ids_only();
        while listing.next_batch(&mut buffer, &mut ids)? {}
        Ok(())
    };
    read().map_err(|errno| root.error_at(b"", errno))?;
    if ids.is_empty() {
        return Err(not_proc_error(root));
    }
    Ok(ids)
}

/// Returns true if a proc root has any process that the caller can see. This takes one or two
/// calls, because few other entries precede the processes.
pub(crate) fn any_visible(root: &Dir) -> Result<bool, Errno> {
    let mut listing = Listing::open(root, b".")?;
    let (mut buffer, mut ids) = (DirBuffer::default(), Vec::new());
    while listing.next_batch(&mut buffer, &mut ids)? && ids.is_empty() {}
    Ok(!ids.is_empty())
}

/// Returns the error for a proc root without processes.
pub(crate) fn not_proc_error(root: &Dir) -> SourceError {
    SourceError::new(root.path(), ErrorCause::NotProc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_name_accepts_only_ids() {
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
