//! `psapi ws`: which pages of processes are in memory.

mod difference;
mod pages;
mod source;
mod summary;
mod totals;
mod words;

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use psapi::WorkingSetOptions;

use crate::cli::usage;
use crate::clock::Clock;
use crate::output::{Column, Format, Output, printable, write_file};
use crate::picture::{AddressSpace, Files};
use crate::repeat::Repeat;
use crate::session::Session;
use crate::sort::SortKey;
use crate::target::Targets;
use pages::Pages;
use source::Taken;

/// Options of `psapi ws`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("targets", |targets| targets.required(false).required_unless_present("from")))]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Mappings and modules without a page in memory or in a page file, or without a change, in
    /// tables, too
    #[arg(long, short = 'a')]
    all: bool,
    /// By module in place of mapping
    #[arg(long, short = 'm', conflicts_with_all = ["pages", "from", "against", "interval"])]
    modules: bool,
    /// The pages themselves: each run of neighbours that are alike, or with `each` page by page
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
          default_missing_value = "runs", value_enum)]
    pages: Option<Pages>,
    /// Count how often private pages are mapped, too: forked processes share them. It takes longer
    #[arg(long, conflicts_with = "from")]
    private_shares: bool,
    /// Sort by a figure: KEY, or -KEY or KEY:desc for the largest first; several, comma-separated.
    /// By address if not given
    #[arg(long, short = 's', value_name = "KEY", value_delimiter = ',', allow_hyphen_values = true,
          value_parser = summary::sort_key, conflicts_with_all = ["pages", "against", "interval"])]
    sort: Vec<SortKey>,
    /// Save the working set to FILE in place of showing it, to be looked at or compared later. `-`
    /// is standard output
    #[arg(long, short = 'o', value_name = "FILE",
          conflicts_with_all = ["modules", "pages", "sort", "against", "interval", "svg", "png", "html",
                                "json", "csv"])]
    output: Option<PathBuf>,
    /// A saved working set in place of a process. `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "targets")]
    from: Option<PathBuf>,
    /// What changed since a saved working set of the same process
    #[arg(long, value_name = "FILE", conflicts_with_all = ["svg", "png", "html"])]
    against: Option<PathBuf>,
    #[command(flatten)]
    repeat: Repeat,
    #[command(flatten)]
    pictures: Files,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    if let Some(interval) = args.repeat.interval {
        args.refuse_with_interval()?;
        return difference::repeat(args, interval, session);
    }
    args.pictures.check(session)?;
    let taken = match &args.from {
        Some(file) => vec![Taken::saved(source::load(file)?)],
        None => source::take(args, &mut args.targets.watch(), session),
    };
    if taken.is_empty() {
        return Ok(());
    }
    if let Some(file) = &args.output {
        return save(&taken, file, session);
    }
    if let Some(file) = &args.against {
        let before = source::load(file)?;
        return difference::show(args, &before, &taken, session);
    }
    if args.pictures.are_wanted() {
        draw(args, &taken, session)?;
        if session.output.format() == Format::Table {
            return Ok(());
        }
    }
    match args.pages {
        Some(how) => pages::show(how, &taken, session),
        None => summary::show(args, &taken, session),
    }
}

impl Args {
    fn options(&self) -> WorkingSetOptions {
        let options = WorkingSetOptions::new();
        match self.private_shares || self.pictures.are_wanted() {
            true => options.with_private_share_counts(),
            false => options,
        }
    }

    fn refuse_with_interval(&self) -> Result<()> {
        if self.from.is_some() || self.against.is_some() || self.pictures.are_wanted() {
            return Err(usage(
                "--interval compares a process with itself: it goes with no file and no picture",
            ));
        }
        Ok(())
    }
}

fn save(taken: &[Taken], file: &std::path::Path, session: &mut Session) -> Result<()> {
    let [taken] = taken else {
        return Err(anyhow!(
            "a file holds one working set; {} processes are meant",
            taken.len()
        ));
    };
    let mut content = Vec::new();
    taken.set.write_to(&mut content)?;
    match file.as_os_str() == "-" {
        true => Ok(session.output.text(&content)?),
        false => write_file(file, &content),
    }
}

fn draw(args: &Args, taken: &[Taken], session: &mut Session) -> Result<()> {
    let [Taken { set, .. }] = taken else {
        return Err(usage(format_args!(
            "a picture is of one process; {} are meant",
            taken.len()
        )));
    };
    let name = set.name().as_encoded_bytes();
    let title = format!("{} (pid {})", printable(name), set.process());
    let space = AddressSpace::new(set, title, Clock::new().date(set.taken()));
    args.pictures.write(&space.scene(), None, session)
}

/// The columns to show; a drawing says nothing to a program.
fn shown<'c, Row>(output: &Output, columns: &'c [Column<Row>]) -> Vec<&'c Column<Row>> {
    let mut columns = output.usual(columns);
    if output.format() != Format::Table {
        columns.retain(|column| !column.field.is_empty());
    }
    columns
}
