//! `psapi completions`: completion scripts.

use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::session::Session;

/// Options of `psapi completions`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: psapi completions bash > ~/.local/share/bash-completion/completions/psapi"
)]
pub struct Args {
    shell: Shell,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "psapi", &mut script);
    Ok(session.output.text(&script)?)
}
