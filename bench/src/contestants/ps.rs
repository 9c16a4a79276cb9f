//! A command, its output to a pipe that is read to the end.

use std::io;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// The columns that `ps` is asked for.
pub const COLUMNS: &str = "pid,ppid,rss,vsz,min_flt,maj_flt,comm";

/// The same ones, as `psapi ps` calls them.
pub const OUR_COLUMNS: &str = "pid,ppid,ws,vsize,minflt,majflt,name";

pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("can't run {:?}", command.get_program()))?;
    if let Some(mut output) = child.stdout.take() {
        io::copy(&mut output, &mut io::sink())?;
    }
    let status = child.wait()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
