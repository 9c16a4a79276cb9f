//! What `psapi watch -- COMMAND` starts in the command's place, and which becomes the command: only
//! the new process itself can ask to be traced. It is no subcommand, and nobody else's business.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::errno::Errno;

use crate::output::printable;
use crate::session::say;

/// The first argument; the command follows.
pub const FIRST: &str = "__traced";

/// As `env` and `timeout` have it: it was not the command that failed.
pub const OWN_FAILURE: u8 = 125;
/// As shells have it: it can't be run, or it is not there.
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Becomes the command, if that is what this process was started for. An answer is an exit code
/// that says why not.
pub fn run() -> Option<u8> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != FIRST {
        return None;
    }
    let program = arguments.next()?;
    if let Err(errno) = nix::sys::ptrace::traceme() {
        say(format_args!(
            "can't have the command stop where it begins and ends: ptrace: {}; a container, the \
             setting kernel.yama.ptrace_scope or another tracer may forbid it",
            io::Error::from(errno)
        ));
        return Some(OWN_FAILURE);
    }
    let mut error = Command::new(&program).args(arguments).exec();
    if error.kind() == io::ErrorKind::PermissionDenied && !is_anywhere(&program) {
        error = Errno::ENOENT.into();
    }
    let name = printable(program.as_bytes());
    say(format_args!("can't run {name}: {error}"));
    Some(match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_RUNNABLE,
    })
}

/// Whether there is such a file. The C library says of a command that is nowhere that it is denied,
/// if it may not search one of the directories of `PATH`.
fn is_anywhere(program: &OsStr) -> bool {
    let Some(path) = env::var_os("PATH") else {
        return true;
    };
    program.as_bytes().contains(&b'/')
        || env::split_paths(&path).any(|place| place.join(program).symlink_metadata().is_ok())
}
