//! `psapi completions`: completion scripts.

use anyhow::Result;
use clap::Command;
use clap_complete::Shell;

use crate::session::Session;

/// Options of `psapi completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args, mut command: Command, session: &mut Session) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "psapi", &mut script);
    Ok(session.output.text(&script)?)
}
