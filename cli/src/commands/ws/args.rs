//! The options of `psapi ws`.

use std::path::PathBuf;

use anyhow::Result;
use psapi::WorkingSetOptions;

use super::pages::Pages;
use crate::commands::picture_files::PictureFiles;
use crate::output::Format;
use crate::repeat::Repeat;
use crate::session::Session;
use crate::sort::{self, SortKey};
use crate::target::Targets;
use crate::usage::usage;

/// Options of `psapi ws`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("targets", |targets| targets.required(false).required_unless_present("from")))]
pub struct Args {
    #[command(flatten)]
    pub targets: Targets,
    /// In tables, also show mappings and modules without pages or changes
    #[arg(long, short = 'a')]
    pub all: bool,
    /// Group by module instead of mapping
    #[arg(long, short = 'm')]
    pub modules: bool,
    /// Show pages instead of totals, by default one row per run of equal pages
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "runs", value_enum)]
    pub pages: Option<Pages>,
    /// Also count the mappings of private pages, which forked processes can share; takes longer
    #[arg(long)]
    pub private_shares: bool,
    /// Sort by figures, comma-separated: KEY ascending, -KEY or KEY:desc descending [default: by
    /// address; in tables with --interval, growth descending]
    #[arg(long, short = 's', value_name = "KEY", value_delimiter = ',', allow_hyphen_values = true,
          value_parser = sort::parse)]
    pub sort: Vec<SortKey>,
    /// Save the working set to FILE, for --from and --against, instead of showing it; `-` is
    /// standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show the saved working set in FILE instead of a process; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Show or draw the changes since the saved working set in FILE, of the same process
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    #[command(flatten)]
    pub repeat: Repeat,
    #[command(flatten)]
    pub pictures: PictureFiles,
}

impl Args {
    /// Returns the options for reading working sets.
    pub fn options(&self) -> WorkingSetOptions {
        let options = WorkingSetOptions::new();
        // The picture of a difference shows changes, not which private pages are shared.
        if self.private_shares || (self.pictures.are_wanted() && self.against.is_none()) {
            options.with_private_share_counts()
        } else {
            options
        }
    }

    /// Returns an error if options exclude each other.
    pub fn check(&self, session: &Session) -> Result<()> {
        let interval = self.repeat.interval.is_some();
        let pictures = self.pictures.are_wanted();
        let saves = self.output.is_some();
        let from = self.from.is_some();
        let is_table = session.output.format() == Format::Table;
        let shows = self.modules || self.pages.is_some() || !self.sort.is_empty() || self.all;
        for (is_excluded, reason) in [
            (
                from && self.targets.are_given(),
                "--from shows a saved working set instead of a process; leave out one of the two",
            ),
            (
                from && self.private_shares,
                "--private-shares cannot count the mappings of saved pages; use it with --output",
            ),
            (
                from && interval,
                "--interval reads a process repeatedly, but --from is a single working set",
            ),
            (
                self.against.is_some() && interval,
                "--interval compares with the previous sample, but --against with a saved one",
            ),
            (
                pictures && interval,
                "a picture shows one moment or one difference, but --interval prints many",
            ),
            (
                self.modules && self.pages.is_some(),
                "--modules adds up pages, but --pages lists them; choose one",
            ),
            (
                saves && (shows || !is_table || pictures || self.against.is_some()),
                "--output saves all pages instead of showing them; show them afterwards with --from",
            ),
            (
                saves && interval,
                "--output saves a single working set, but --interval reads many",
            ),
            (
                saves && self.targets.are_several(),
                "a file contains one working set; choose one target",
            ),
            (
                pictures && self.targets.are_several(),
                "a picture shows one process; choose one target",
            ),
        ] {
            if is_excluded {
                return Err(usage(reason));
            }
        }
        self.pictures.check(session)
    }

    /// Returns true if the table has changes instead of states.
    pub fn shows_changes(&self) -> bool {
        self.against.is_some() || self.repeat.interval.is_some()
    }
}
