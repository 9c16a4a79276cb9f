//! Files that are written whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};

/// Writes a file. It is written beside its place and moved there once it is complete, so that a
/// full disk leaves the one from before as it was. What is no regular file, such as a pipe or a
/// device, is written to directly; a link is followed.
pub fn write_file(path: &Path, contents: &[u8]) -> Result<()> {
    write(path, contents)
        // Not an error of the output: that is its own.
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("can't write {}", path.display()))
}

fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let place = match fs::canonicalize(path) {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    if fs::metadata(&place).is_ok_and(|found| !found.is_file()) {
        return File::options()
            .write(true)
            .open(&place)?
            .write_all(contents);
    }
    let directory = match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".psapi-")
        // As a new file has it: the user's mask is still taken off.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)?;
    file.write_all(contents)?;
    // Some file systems tell only now that there was no room.
    file.as_file().sync_all()?;
    file.persist(&place)?;
    Ok(())
}
