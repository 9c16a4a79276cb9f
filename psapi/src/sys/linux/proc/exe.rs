//! `PROC/PID/exe`: a link to the file that a process executes.

use rustix::io::Errno;

use crate::sys::linux::dir::Dir;
use crate::sys::linux::file_id::file_id;
use crate::sys::linux::proc::root::Root;

/// The suffix that the kernel appends to the path of a deleted file.
const DELETED: &[u8] = b" (deleted)";

/// Strips the suffix of a deleted file, and returns true if the path had it. Since a file's own
/// name can end that way, callers first check whether the full path exists.
pub(crate) fn split_deleted(path: &[u8]) -> (&[u8], bool) {
    match path.strip_suffix(DELETED) {
        Some(path) => (path, true),
        None => (path, false),
    }
}

/// Buffers that can be reused for other processes.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    root: Root,
    name: Vec<u8>,
}

/// Reads the link `exe` into `path`, without the suffix, and returns true if the file was deleted.
/// `root` is the name of the link to the process's root.
///
/// The error is a plain errno because failures are frequent: kernel threads have no executable,
/// and other users' processes deny access.
pub(crate) fn read(
    directory: &Dir,
    exe: &[u8],
    root: &[u8],
    path: &mut Vec<u8>,
    buffers: &mut Buffers,
) -> Result<bool, Errno> {
    directory.try_read_link(exe, path)?;
    let (plain, has_suffix) = split_deleted(path);
    let length = plain.len();
    if !has_suffix || is_link_target(directory, exe, root, path, buffers) {
        return Ok(false);
    }
    path.truncate(length);
    Ok(true)
}

/// Returns true if `path` leads to the file that `exe` links to.
fn is_link_target(
    directory: &Dir,
    exe: &[u8],
    root: &[u8],
    path: &[u8],
    buffers: &mut Buffers,
) -> bool {
    let Ok(link) = directory.try_attributes(exe) else {
        return false;
    };
    let Buffers { root: target, name } = buffers;
    target.read(directory, root);
    Root::starts().into_iter().any(|start| {
        target.name_of(start, root, path, name)
            && directory
                .try_attributes(name)
                .is_ok_and(|found| file_id(&found) == file_id(&link))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_only_last_deleted_suffix() {
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
