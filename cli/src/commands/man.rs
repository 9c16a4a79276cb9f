//! `psapi man`: manual pages.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};

use crate::cli::Cli;
use crate::session::Session;

/// Options of `psapi man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a page for each subcommand there, too, in a directory made if need be, as psapi.1, psapi-ps.1 and so on
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The command as its pages show it: with the usage lines of the help, which tell of what may be
/// repeated. The pages' own do not.
fn documented(mut command: Command) -> Command {
    command = command.disable_help_subcommand(true);
    command.build();
    with_usage(command)
}

fn with_usage(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    command.mut_subcommands(with_usage).override_usage(usage)
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    match &args.dir {
        Some(dir) => std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(documented(Cli::command()), dir))
            // Not an error of the output: that is its own.
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("can't write manual pages to {}", dir.display())),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(documented(Cli::command())).render(&mut page)?;
            Ok(session.output.text(&page)?)
        }
    }
}
