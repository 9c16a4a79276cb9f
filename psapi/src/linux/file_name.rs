//! The path in the name of a file's mapping. Neither the kernel's mark of a deleted file nor its
//! escape is unambiguous: the file that is there tells.

use rustix::fs::Stat;

use super::exe::split_deleted;
use super::file::Directory;
use super::maps::{FileId, escape};

/// The path in a mapping's name, and whether the file has been deleted. `doubtful`: an escape was
/// undone that may be none.
pub(crate) fn path_of(
    process: &Directory,
    name: &[u8],
    file: FileId,
    doubtful: bool,
) -> (Vec<u8>, bool) {
    if doubtful {
        let literal = escape(name);
        if leads_to(process, &literal, file) {
            return (literal, false);
        }
    }
    let (plain, marked) = split_deleted(name);
    match marked && !leads_to(process, name, file) {
        true => (plain.to_vec(), true),
        false => (name.to_vec(), false),
    }
}

/// Whether a path, seen from the process's root, leads to the file of a mapping.
fn leads_to(process: &Directory, path: &[u8], file: FileId) -> bool {
    path.starts_with(b"/")
        && process
            .attributes(&[b"root", path].concat())
            .is_ok_and(|found| file_id(&found) == file)
}

pub(crate) fn file_id(found: &Stat) -> FileId {
    FileId {
        major: rustix::fs::major(found.st_dev),
        minor: rustix::fs::minor(found.st_dev),
        inode: found.st_ino,
    }
}
