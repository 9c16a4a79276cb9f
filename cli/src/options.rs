//! Options that every subcommand accepts: the output format, and the roots that the figures are
//! read from.

use anyhow::Result;
use clap::Args;

use crate::output::{self, Format};
use crate::sys::{Source, texts};
use crate::usage::usage;

/// Options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = texts::GLOBAL_HEADING)]
pub struct Global {
    /// Print JSON, one document per line
    #[arg(long, global = true)]
    json: bool,
    /// Print CSV with a header
    #[arg(long, global = true)]
    csv: bool,
    /// Print exact bytes in tables
    #[arg(long, global = true)]
    bytes: bool,
    /// Make tables fit lines of N columns [default: the width of the terminal]
    #[arg(long, global = true, value_name = "N", value_parser = width)]
    width: Option<usize>,
    #[command(flatten)]
    pub color: colorchoice_clap::Color,
    #[command(flatten)]
    pub source: Source,
}

impl Global {
    /// Returns the options that concern the output.
    pub fn output(&self) -> Result<output::Options> {
        let format = match (self.json, self.csv) {
            (true, true) => return Err(usage("the output has one format: --json or --csv")),
            (true, false) => Format::Json,
            (false, true) => Format::Csv,
            (false, false) => Format::Table,
        };
        Ok(output::Options {
            format,
            exact_bytes: self.bytes,
            width: self.width,
        })
    }
}

fn width(text: &str) -> Result<usize, &'static str> {
    let width = text.parse();
    width.map_err(|_| "expected a number of columns, such as 80")
}
