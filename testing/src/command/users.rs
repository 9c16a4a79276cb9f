//! Runs of the command as another user.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{output_of_copy, program, run, stderr};
use crate::privilege::{NOBODY, is_root};
use crate::{has_program, public_directory, skip, wait_until};

/// Runs psapi as `nobody`, or as the caller if the caller is not root.
pub fn run_unprivileged<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    if !is_root() {
        return run(arguments);
    }
    let (_directory, copy) = public_copy();
    let mut command = Command::new(&copy);
    command.uid(NOBODY).gid(NOBODY).args(arguments);
    output_of_copy(&mut command)
}

/// Runs psapi as `nobody` with some capabilities, named as `setpriv` names them.
///
/// Returns `None`, and skips, without root or `setpriv`.
pub fn run_with_capabilities<A: AsRef<OsStr>>(
    capabilities: &[&str],
    arguments: impl IntoIterator<Item = A>,
) -> Option<Output> {
    if !is_root() {
        skip("needs root to pass on capabilities");
        return None;
    }
    if !has_program("setpriv") {
        return None;
    }
    let names: Vec<String> = capabilities.iter().map(|name| format!("+{name}")).collect();
    let names = names.join(",");
    let (_directory, copy) = public_copy();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["--inh-caps", &names, "--ambient-caps", &names])
        .arg(&copy)
        .args(arguments);
    // `setpriv` prints the text of `ETXTBSY`: see `output_of_copy`.
    let mut output = None;
    wait_until(|| {
        let found = command.output().expect("start setpriv");
        let is_busy = stderr(&found).contains("Text file busy");
        output = Some(found);
        !is_busy
    });
    output
}

/// Copies psapi to a directory in which every user can execute it.
fn public_copy() -> (TempDir, PathBuf) {
    let directory = public_directory();
    let copy = directory.path().join("psapi");
    fs::copy(program(), &copy).expect("copy psapi");
    (directory, copy)
}
