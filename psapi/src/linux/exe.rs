//! `PROC/PID/exe`: the file that a process runs.

use rustix::io::Errno;

use super::file::Directory;

/// What the kernel appends to the path of a file that has no name any more.
const DELETED: &[u8] = b" (deleted)";

/// Splits the kernel's mark of a deleted file off a path. A file may truly be named so: where the
/// file can be looked up, ask that first.
pub(crate) fn split_deleted(path: &[u8]) -> (&[u8], bool) {
    match path.strip_suffix(DELETED) {
        Some(path) => (path, true),
        None => (path, false),
    }
}

/// Reads the link `PREFIX/exe` into `path` and tells whether the file was deleted; the mark is
/// taken off. Kernel threads have no image and other users' processes refuse, so that a plain
/// errno is what most callers want.
pub(crate) fn read(
    directory: &Directory,
    exe: &[u8],
    root: &[u8],
    path: &mut Vec<u8>,
) -> Result<bool, Errno> {
    directory.try_read_link(exe, path)?;
    let (plain, marked) = split_deleted(path);
    let length = plain.len();
    if !marked || names_the_file(directory, exe, root, path) {
        return Ok(false);
    }
    path.truncate(length);
    Ok(true)
}

/// Whether a path, seen from the process's root, still leads to the file that `exe` leads to.
fn names_the_file(directory: &Directory, exe: &[u8], root: &[u8], path: &mut Vec<u8>) -> bool {
    path.splice(..0, root.iter().copied());
    let by_name = directory.try_attributes(path);
    path.drain(..root.len());
    let by_link = directory.try_attributes(exe);
    matches!((by_name, by_link), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_at_the_end_is_split_off() {
        assert_eq!(split_deleted(b"/bin/a (deleted)"), (&b"/bin/a"[..], true));
        assert_eq!(
            split_deleted(b"/bin/a (deleted) b"),
            (&b"/bin/a (deleted) b"[..], false)
        );
        assert_eq!(
            split_deleted(b"/a (deleted) (deleted)"),
            (&b"/a (deleted)"[..], true)
        );
        assert_eq!(split_deleted(b""), (&b""[..], false));
    }
}
