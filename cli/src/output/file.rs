//! Atomic writing of files, and `-` for standard output.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use super::reason::os_reason;
use crate::sys;
use crate::usage::usage;

/// A file that is checked first and written later, so that a long measurement is not lost because
/// of a wrong path.
///
/// A regular file is replaced atomically: a temporary file in the same directory is renamed once it
/// is complete. A full disk therefore leaves an existing file intact. On Linux, the new file keeps
/// the mode and, if that is permitted, the owner of the old one. Symbolic links are followed.
/// Pipes, devices and other special files are written directly.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    target: FileTarget,
}

#[derive(Debug)]
enum FileTarget {
    Stdout,
    Special(File),
    /// The path without symbolic links.
    Regular(PathBuf),
}

/// Whether a terminal can show a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Text,
    Binary,
}

/// Returns true if a file name stands for standard output.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl OutputFile {
    /// Checks that a file can be written. Special files are opened.
    pub fn open(path: &Path, content: Content) -> Result<Self> {
        let target = if is_stdout(path) {
            if content == Content::Binary && io::stdout().is_terminal() {
                return Err(usage(
                    "a terminal cannot show this binary format: redirect standard output, or name a \
                     file instead of `-`",
                ));
            }
            FileTarget::Stdout
        } else {
            find(path).map_err(|error| named(&error, path))?
        };
        Ok(OutputFile {
            path: path.to_owned(),
            target,
        })
    }

    /// Returns the path; `None` for standard output.
    pub fn path(&self) -> Option<&Path> {
        match self.target {
            FileTarget::Stdout => None,
            _ => Some(&self.path),
        }
    }

    /// Writes the file. A failure to write standard output is an [`io::Error`].
    pub fn write(self, contents: &[u8]) -> Result<()> {
        let written = match self.target {
            FileTarget::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(contents)?;
                return Ok(stdout.flush()?);
            }
            FileTarget::Special(mut file) => file.write_all(contents),
            FileTarget::Regular(target) => replace(&target, contents),
        };
        written.map_err(|error| named(&error, &self.path))
    }
}

/// Names the file. The error becomes text, because `main` reports an `io::Error` as a failure to
/// write the output.
fn named(error: &io::Error, path: &Path) -> anyhow::Error {
    anyhow!(os_reason(error)).context(format!("cannot write {}", path.display()))
}

fn find(path: &Path) -> io::Result<FileTarget> {
    if let Some(file) = sys::find_special(path)? {
        return Ok(FileTarget::Special(file));
    }
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => new_target(path),
        Err(error) => return Err(error),
    };
    // The file is removed at once. Otherwise it would remain if a signal ended this process.
    sys::temporary(directory(&target))?;
    Ok(FileTarget::Regular(target))
}

/// Returns the path of a file that does not exist, without symbolic links to it.
fn new_target(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    // Links that form a circle are an error before this.
    while let Ok(link) = fs::read_link(&target) {
        target = directory(&target).join(link);
    }
    target
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn replace(target: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = sys::temporary(directory(target))?;
    sys::keep_owner(file.as_file(), target)?;
    file.write_all(contents)?;
    // Some file systems report a full disk only here.
    file.as_file().sync_all()?;
    file.persist(target)?;
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    fn write(path: &Path) {
        let file = OutputFile::open(path, Content::Text).unwrap();
        file.write(b"new").unwrap();
    }

    #[test]
    fn replaced_file_keeps_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for mode in [0o600, 0o664] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            write(&path);
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode);
        }
    }

    #[test]
    fn link_to_new_file_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        std::os::unix::fs::symlink("second", &first).unwrap();
        std::os::unix::fs::symlink("file", &second).unwrap();
        write(&first);
        assert_eq!(fs::read(directory.path().join("file")).unwrap(), b"new");
        assert!(fs::symlink_metadata(&first).unwrap().is_symlink());
    }
}
