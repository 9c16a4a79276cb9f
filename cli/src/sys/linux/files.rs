//! Special files, and the owner and mode of a file that is replaced.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::Path;

use tempfile::NamedTempFile;

/// Opens a pipe, a device or another special file. Returns `None` for a regular file, and for a
/// file that does not exist.
pub fn find_special(target: &Path) -> io::Result<Option<File>> {
    if fs::metadata(target).is_ok_and(|found| !found.is_file()) {
        return File::options().write(true).open(target).map(Some);
    }
    Ok(None)
}

/// Creates a temporary file in a directory.
pub fn temporary(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".psapi-")
        // The default mode of a new file, before the umask applies.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
}

/// Gives a new file the mode of the file that it replaces, and the owner if that is permitted.
pub fn keep_owner(new: &File, old: &Path) -> io::Result<()> {
    let Ok(old) = fs::metadata(old) else {
        return Ok(());
    };
    // Only root can give a file to another user.
    let _ = fchown(new, Some(old.uid()), Some(old.gid()));
    new.set_permissions(old.permissions())
}
