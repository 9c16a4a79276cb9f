//! Linux's view of a process that runs under Wine, as a second witness.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the directory in `/proc` of the process that runs a program file.
///
/// Returns `None` without Wine, or if no process has the file's name in its command line. The
/// directories of [`Program`](crate::Program) have unique names, so at most one process has.
pub fn proc_directory(program: &Path) -> Option<PathBuf> {
    // The drive on which Wine shows the host's files.
    let processes = fs::read_dir("Z:\\proc").ok()?.flatten();
    let name = program.as_os_str().as_encoded_bytes();
    processes.map(|process| process.path()).find(|process| {
        let command_line = fs::read(process.join("cmdline")).unwrap_or_default();
        command_line.starts_with(name)
    })
}
