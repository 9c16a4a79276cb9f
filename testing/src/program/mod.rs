//! Programs for tests, as files.

#[cfg(target_os = "linux")]
mod compiled;
#[cfg(windows)]
mod embedded;

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::TestProcess;

/// A program or shared library for a test, in a temporary directory that every user can read.
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    _directory: TempDir,
}

impl Program {
    /// Starts the program without arguments.
    pub fn start(&self) -> TestProcess {
        TestProcess::start(&mut Command::new(&self.path))
    }
}

/// Creates a temporary directory that every user can read.
pub fn public_directory() -> TempDir {
    #[cfg_attr(
        windows,
        expect(unused_mut, reason = "the default permissions are right")
    )]
    let mut builder = tempfile::Builder::new();
    #[cfg(target_os = "linux")]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
    builder.tempdir().expect("create a temporary directory")
}
