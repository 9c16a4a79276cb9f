//! The command line: what can be asked, and the options that every question shares. Options of a
//! single subcommand are with that subcommand.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    completions, drivers, empty, man, mapped, maps, memory, modules, overview, pagefiles, perf, ps,
    watch, ws,
};
use crate::output::{self, Format};

const AFTER: &str = "\
Sizes in tables are powers of 1024, as in 12.3M; --bytes shows them exactly. `-` is a figure that \
does not exist, is unknown or was refused.

Exit codes: 0 done; 1 what was asked about failed, at least in part; 2 wrong usage.";

const AFTER_LONG: &str = "\
Sizes in tables are powers of 1024, as in 12.3M; --bytes shows them exactly. `-` is a figure that
does not exist, is unknown or was refused. Control characters in names are shown as escapes.

Machine formats (--json, --csv) have one name a field, with the unit in it (`_bytes`, `_seconds`),
never cut anything, and do not escape: what is unknown is null in JSON and empty in CSV. A name that
is not UTF-8 has U+FFFD in JSON's string and its exact bytes, in hexadecimal, in a field beside it
named FIELD_hex; CSV has the bytes themselves. With --interval, JSON is one document a line.

Exit codes: 0 done; 1 what was asked about failed, at least in part; 2 wrong usage.";

/// What runs on this machine, what is loaded into it, and what memory it uses.
///
/// Without a subcommand: an overview of the machine and its largest processes, on one screen.
#[derive(Debug, Parser)]
#[command(name = "psapi", version, after_help = AFTER, after_long_help = AFTER_LONG)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub overview: overview::Args,
    #[command(flatten)]
    pub global: Global,
}

/// The questions.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The machine and its largest processes, on one screen: what no subcommand shows
    Overview(overview::Args),
    /// Processes: choose columns, sort, filter, show as a tree
    Ps(ps::Args),
    /// Memory counters of processes
    Memory(memory::Args),
    /// What is loaded into processes: executable, libraries, vDSO
    Modules(modules::Args),
    /// The mappings of processes
    Maps(maps::Args),
    /// Which pages of processes are in memory, by mapping
    Ws(ws::Args),
    /// What brings pages into memory: the page faults of a process or a command, by mapping and function
    Watch(watch::Args),
    /// Move what processes have in memory out of it, as far as the kernel lets go
    Empty(empty::Args),
    /// The files that are mapped at addresses of a process
    Mapped(mapped::Args),
    /// The kernel image and its drivers, loaded and built in
    Drivers(drivers::Args),
    /// The files and partitions that memory is moved to when RAM is short
    #[command(name = "pagefiles")]
    PageFiles(pagefiles::Args),
    /// The machine's memory, and how much runs on it
    Perf(perf::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write all of them to a directory
    Man(man::Args),
}

/// Options of every question.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output and source")]
pub struct Global {
    /// JSON, one document a line
    #[arg(long, global = true, conflicts_with = "csv")]
    json: bool,
    /// CSV with a header
    #[arg(long, global = true)]
    csv: bool,
    /// Exact bytes in tables
    #[arg(long, global = true)]
    bytes: bool,
    /// Cut names in tables so that lines have N columns; a terminal's width if not given
    #[arg(long, global = true, value_name = "N", value_parser = width)]
    width: Option<usize>,
    #[command(flatten)]
    pub color: colorchoice_clap::Color,
    /// Where the proc file system is mounted
    #[arg(long, global = true, value_name = "DIR", default_value = "/proc")]
    pub proc_root: PathBuf,
    /// Where the sys file system is mounted
    #[arg(long, global = true, value_name = "DIR", default_value = "/sys")]
    pub sys_root: PathBuf,
    /// Where the system's own files are, for lib/modules and boot
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    pub file_root: PathBuf,
}

impl Global {
    pub fn output(&self) -> output::Options {
        output::Options {
            format: match (self.json, self.csv) {
                (true, _) => Format::Json,
                (_, true) => Format::Csv,
                _ => Format::Table,
            },
            exact_bytes: self.bytes,
            width: self.width,
        }
    }
}

fn width(text: &str) -> Result<usize, &'static str> {
    let width = text.parse();
    width.map_err(|_| "a width is a number of columns, such as 80")
}

/// Wrong usage that the parser can't see.
pub fn usage(message: impl std::fmt::Display) -> anyhow::Error {
    use clap::CommandFactory as _;
    Cli::command()
        .error(clap::error::ErrorKind::ArgumentConflict, message)
        .into()
}
