//! `psapi traced`: what `psapi watch -- COMMAND` starts in the command's place, and which becomes
//! the command. Only code of the new process itself can ask to be traced.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::output::printable;
use crate::session::{Session, say};

/// As shells have it: the command is not there, or can't be run.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;
/// As `env` and `timeout` have it: it was not the command that failed.
pub const OWN_FAILURE: u8 = 125;

/// The command.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Becomes the command, or leaves an exit code that says why not.
pub fn run(args: &Args, session: &mut Session) {
    let Some((program, arguments)) = args.command.split_first() else {
        return;
    };
    if let Err(errno) = nix::sys::ptrace::traceme() {
        say(format_args!(
            "can't have the command stop where it starts and ends: ptrace: {} (the setting \
             kernel.yama.ptrace_scope, a container or another tracer may forbid it)",
            io::Error::from(errno)
        ));
        return session.exit_with(OWN_FAILURE);
    }
    let error = Command::new(program).args(arguments).exec();
    let name = printable(std::os::unix::ffi::OsStrExt::as_bytes(program.as_os_str()));
    say(format_args!("can't run {name}: {error}"));
    session.exit_with(match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_RUNNABLE,
    });
}
