//! Runs of the `psapi` command, and processes and `/proc` trees for it to report.

#[cfg(target_os = "linux")]
mod proc_tree;
mod refused;
mod started;
#[cfg(target_os = "linux")]
mod users;

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

#[cfg(target_os = "linux")]
pub use proc_tree::{ProcMount, ProcTree};
pub use refused::{empties_working_sets, lists_pages, records_faults};
pub use started::Started;
#[cfg(target_os = "linux")]
pub use users::{run_unprivileged, run_with_capabilities};

use crate::wait_until;

/// Returns the path of the command under test.
///
/// That is `CARGO_BIN_EXE_psapi` if the variable is set. Otherwise cargo has built the command in
/// the parent of the directory of the running test program.
pub fn program() -> PathBuf {
    std::env::var_os("CARGO_BIN_EXE_psapi").map_or_else(
        || {
            let test = std::env::current_exe().expect("the path of the test program");
            let target = test.parent().and_then(Path::parent);
            let name = format!("psapi{EXE_SUFFIX}");
            target.expect("a target directory").join(name)
        },
        PathBuf::from,
    )
}

/// Returns the command under test, without the caller's variables that change its output.
pub fn psapi() -> Command {
    let mut command = Command::new(program());
    command
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

/// Runs psapi with arguments.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    psapi().args(arguments).output().expect("start psapi")
}

/// Runs psapi, which must succeed, and returns its standard output.
pub fn stdout<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Vec<u8> {
    let output = run(arguments);
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Like [`stdout`], as text.
pub fn text<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> String {
    String::from_utf8(stdout(arguments)).expect("the output is UTF-8")
}

/// Runs psapi and parses the JSON document that it prints.
pub fn json<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Value {
    let output = stdout(arguments);
    serde_json::from_slice(&output)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output)))
}

/// Returns the standard error of a run.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a program file that was just written, and retries while it is busy.
///
/// If another thread forked while the file was open for writing, its child holds the file open
/// until `execve`. Until then, the kernel fails with `ETXTBSY`.
pub fn output_of_copy(command: &mut Command) -> Output {
    retry_while_busy(|| command.output())
}

fn retry_while_busy<T>(mut start: impl FnMut() -> io::Result<T>) -> T {
    let mut started = None;
    wait_until(|| match start() {
        Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => false,
        result => {
            started = Some(result.expect("start the program"));
            true
        }
    });
    started.expect("the program was started")
}
