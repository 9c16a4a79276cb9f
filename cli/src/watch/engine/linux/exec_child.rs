//! The child that `psapi watch -- COMMAND` starts and that becomes the command.
//!
//! The command must be traced from its first instruction. `psapi` therefore starts itself with a
//! private first argument, which is neither a subcommand nor documented. The new process stops,
//! and calls `execve` when the tracer continues it.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::output::{os_reason, printable};
use crate::session::warn;
use crate::watch::engine::options::{NOT_EXECUTABLE, NOT_FOUND, OWN_FAILURE};

/// The first argument; the command and its arguments follow.
pub const FIRST_ARGUMENT: &str = "__traced";

/// Executes the command if this process was started for that.
///
/// Returns `None` if it was not, and an exit code if the command cannot be executed.
pub fn run() -> Option<u8> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != FIRST_ARGUMENT {
        return None;
    }
    let program = arguments.next()?;
    // Allows tracing if the user cannot read the file of `psapi`, or if it has file capabilities.
    let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
    // The tracing thread waits for this stop, and continues this process once it is traced.
    let _ = raise(Signal::SIGSTOP);
    let mut error = Command::new(&program).args(arguments).exec();
    let name = printable(program.as_bytes());
    if error.kind() == io::ErrorKind::WouldBlock {
        warn(format_args!("cannot run {name}: {}", start_reason(&error)));
        return Some(OWN_FAILURE);
    }
    if error.kind() == io::ErrorKind::PermissionDenied && !exists(&program) {
        error = Errno::ENOENT.into();
    }
    warn(format_args!("cannot run {name}: {}", os_reason(&error)));
    Some(match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    })
}

/// Returns the reason why a process or thread could not be started.
pub fn start_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            "the limit for processes and threads is reached: RLIMIT_NPROC \
                                      (ulimit -u), pids.max of the control group, or \
                                      kernel.threads-max"
                .to_owned()
        }
        _ => os_reason(error),
    }
}

/// Returns true if the command is a path or exists in a directory of `PATH`.
///
/// The C library reports EACCES for a missing command if a directory of `PATH` cannot be searched.
fn exists(program: &OsStr) -> bool {
    let Some(path) = env::var_os("PATH") else {
        return true;
    };
    program.as_bytes().contains(&b'/')
        || env::split_paths(&path).any(|directory| {
            let file = directory.join(program);
            file.symlink_metadata().is_ok()
        })
}
