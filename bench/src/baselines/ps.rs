//! The command `ps`, and commands in general.

use std::io;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// The columns of `ps`.
pub const COLUMNS: &str = "pid,ppid,rss,vsz,min_flt,maj_flt,comm";

/// The same columns of `psapi ps`.
pub const OUR_COLUMNS: &str = "pid,ppid,ws,vsize,minflt,majflt,name";

/// Runs a command and discards its output, which goes to a pipe.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if let Some(mut output) = child.stdout.take() {
        io::copy(&mut output, &mut io::sink())?;
    }
    let status = child.wait()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
