//! `SYS/devices/system/node`: the machine's NUMA nodes, and `move_pages`, which tells where pages
//! are.

use rustix::io::Errno;

use super::file::Directory;
use super::text::decimal;
use crate::ProcessId;

/// How many pages are asked for at once.
const AT_ONCE: usize = 512;

/// The only node of a list such as `0-1,4`, if there is only one.
pub(crate) fn only(list: &[u8]) -> Option<u16> {
    decimal(list.trim_ascii())?.try_into().ok()
}

/// The node that has all of the machine's memory. `None`: several have, or it isn't told.
pub(crate) fn only_with_memory(sys: &Directory) -> Option<u16> {
    let mut list = Vec::new();
    match sys.try_file(b"devices/system/node") {
        // A kernel that knows no nodes.
        Err(Errno::NOENT) if sys.try_file(b"kernel").is_ok() => return Some(0),
        _ => {}
    }
    sys.read(b"devices/system/node/has_memory", &mut list)
        .or_else(|_| sys.read(b"devices/system/node/online", &mut list))
        .ok()?;
    only(&list)
}

/// Tells each of a process's pages with its node; `None` for a page that is not in memory, and for
/// all where the kernel refuses.
pub(crate) fn of_pages(
    process: ProcessId,
    mut pages: impl Iterator<Item = u64>,
    mut found: impl FnMut(u64, Option<u16>),
) {
    let (mut asked, mut status) = ([0u64; AT_ONCE], [0i32; AT_ONCE]);
    // What the kernel takes are pointers, as wide as the caller's.
    let mut pointers = [0usize; AT_ONCE];
    loop {
        let mut count = 0;
        for ((place, pointer), page) in asked.iter_mut().zip(&mut pointers).zip(&mut pages) {
            *place = page;
            // Where no process has a page.
            *pointer = usize::try_from(page).unwrap_or(usize::MAX);
            count += 1;
        }
        if count == 0 {
            return;
        }
        let (asked, status) = (&asked[..count], &mut status[..count]);
        if ask(process, &pointers[..count], status).is_err() {
            status.fill(-1);
        }
        for (&page, &node) in asked.iter().zip(&*status) {
            found(page, u16::try_from(node).ok());
        }
    }
}

fn ask(process: ProcessId, pages: &[usize], status: &mut [i32]) -> Result<(), Errno> {
    // SAFETY: the kernel reads as many addresses and writes as many statuses as the count says: the
    // length of both. Without nodes to move to it moves nothing.
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
    fn one_node_is_one_number() {
        assert_eq!(only(b"0\n"), Some(0));
        assert_eq!(only(b"3\n"), Some(3));
        assert_eq!(only(b"0-1\n"), None);
        assert_eq!(only(b"0,2\n"), None);
        assert_eq!(only(b"\n"), None);
        assert_eq!(only(b"70000\n"), None);
    }
}
