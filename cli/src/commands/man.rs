//! `psapi man`: manual pages.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::session::Session;

/// Options of `psapi man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a page for each subcommand there, too, as psapi.1, psapi-ps.1 and so on
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    match &args.dir {
        Some(dir) => clap_mangen::generate_to(Cli::command(), dir)
            // Not an error of the output: that is its own.
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("can't write manual pages to {}", dir.display())),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            Ok(session.output.text(&page)?)
        }
    }
}
