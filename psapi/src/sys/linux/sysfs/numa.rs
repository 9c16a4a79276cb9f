//! NUMA nodes: the machine's nodes from `SYS/devices/system/node`, and the node of each page from
//! `move_pages`. Without target nodes, that call only reports where pages are.

use rustix::io::Errno;

use crate::error::SourceError;
use crate::process_id::ProcessId;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::decimal;

/// The number of pages per `move_pages` call.
const BATCH: usize = 512;

/// Returns the only node of a list such as `0-1,4`; `None` if the list has several.
pub(crate) fn only(list: &[u8]) -> Option<u16> {
    decimal(list.trim_ascii())?.try_into().ok()
}

/// Returns the node that has all of the machine's memory; `None` if several nodes have memory, or
/// if the kernel does not report it.
pub(crate) fn only_with_memory(sys: &Dir) -> Result<Option<u16>, SourceError> {
    let is_absent = |name| matches!(sys.try_attributes(name), Err(Errno::NOENT));
    // sysfs is mounted, but the kernel was built without NUMA.
    if is_absent(b"devices/system/node") && !is_absent(b"kernel") {
        return Ok(Some(0));
    }
    let mut list = Vec::new();
    for file in [&b"has_memory"[..], b"online"] {
        match sys.read(&[b"devices/system/node/", file].concat(), &mut list) {
            Ok(()) => return Ok(only(&list)),
            Err(error) if error.is(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Calls `on_found` with the node of each page of a process.
///
/// The node is `None` if the page is not in memory, and for a whole batch if `move_pages` fails.
pub(crate) fn of_pages(
    process: ProcessId,
    mut pages: impl Iterator<Item = u64>,
    mut on_found: impl FnMut(u64, Option<u16>),
) {
    let (mut batch, mut status) = ([0u64; BATCH], [0i32; BATCH]);
    // The kernel takes pointers as wide as the caller's.
    let mut pointers = [0usize; BATCH];
    loop {
        let mut count = 0;
        for ((address, pointer), page) in batch.iter_mut().zip(&mut pointers).zip(&mut pages) {
            *address = page;
            // An address beyond this program's pointers becomes one at which nothing is mapped.
            *pointer = usize::try_from(page).unwrap_or(usize::MAX);
            count += 1;
        }
        if count == 0 {
            return;
        }
        let (batch, status) = (&batch[..count], &mut status[..count]);
        if move_pages(process, &pointers[..count], status).is_err() {
            status.fill(-1);
        }
        for (&page, &node) in batch.iter().zip(&*status) {
            on_found(page, u16::try_from(node).ok());
        }
    }
}

fn move_pages(process: ProcessId, pages: &[usize], status: &mut [i32]) -> Result<(), Errno> {
    // SAFETY: the kernel reads `count` addresses and writes `count` statuses, and `count` is at
    // most the length of both slices. With a null list of target nodes, it moves nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_move_pages,
            process.get() as libc::c_long,
            pages.len().min(status.len()),
            pages.as_ptr(),
            std::ptr::null::<i32>(),
            status.as_mut_ptr(),
            0,
        )
    };
    match result {
        0.. => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_nodes_give_none() {
        assert_eq!(only(b"0\n"), Some(0));
        assert_eq!(only(b"3\n"), Some(3));
        assert_eq!(only(b"0-1\n"), None);
        assert_eq!(only(b"0,2\n"), None);
        assert_eq!(only(b"\n"), None);
        assert_eq!(only(b"70000\n"), None);
    }
}
