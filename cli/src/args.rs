//! The command line: the subcommands, and the help text that covers all of them. Each
//! subcommand declares its own options; options that all subcommands share are in
//! [`options`](crate::options).

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory as _, Parser, Subcommand};

use crate::commands::{
    completions, drivers, empty, man, mapped, maps, memory, modules, overview, pagefiles, ps,
    system, watch, ws,
};
use crate::examples;
use crate::options::Global;
use crate::sys::texts;

const AFTER: &str = "\
Sizes in tables are powers of 1024, such as 12.3M; --bytes prints exact bytes. `-` marks a figure \
that does not exist, is unknown, or could not be read.

Exit codes: 0 success; 1 some or all of the request failed, or nothing matched; 2 wrong usage.";

/// The end of the long help, before the paragraphs that differ between systems.
const AFTER_LONG: &str = "\
Sizes in tables are powers of 1024, such as 12.3M; --bytes prints exact bytes. `-` marks a figure
that does not exist, is unknown, or could not be read. Control characters in names are escaped.

The machine formats, --json and --csv, name the unit in the field (`_bytes`, `_seconds`), and
";

const EXIT_CODES: &str = "\
Exit codes: 0 success; 1 some or all of the request failed, or nothing matched; 2 wrong usage.
`watch -- COMMAND` exits with the code of the command, 125 if it could not be watched, 126 if it
could not be executed, 127 if it was not found";

fn after_long() -> String {
    let (names, privileges, killed) = (texts::NOT_UTF8, texts::PRIVILEGES, texts::KILLED);
    format!("{AFTER_LONG}{names}\n\n{privileges}\n\n{EXIT_CODES}{killed}.")
}

/// Shows what runs on this machine, what is loaded into it, and what memory it uses.
///
/// Without a subcommand, prints an overview: the machine and its largest processes on one screen.
#[derive(Debug, Parser)]
#[command(name = "psapi", version, after_help = AFTER, after_long_help = after_long())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub overview: overview::Args,
    #[command(flatten)]
    pub global: Global,
}

/// Returns the command line, with the examples in all help texts.
pub fn command() -> clap::Command {
    examples::add_to(documented())
}

/// Returns the command line with the texts of this system, and without the options that it cannot
/// offer.
pub fn documented() -> clap::Command {
    let mut command = Cli::command();
    if let Some(name) = texts::PROGRAM {
        command = command.bin_name(name);
    }
    for &(option, _) in texts::ABSENT_GLOBAL_OPTIONS {
        let absent = Arg::new(option).long(option).value_name("VALUE");
        command = command.arg(absent.global(true).hide(true));
    }
    for &(subcommand, option, _) in texts::ABSENT_OPTIONS {
        command = command.mut_subcommand(subcommand, |command| {
            command.mut_arg(option, |option| option.hide(true))
        });
    }
    for &(subcommand, option, text) in texts::HELP {
        command = command.mut_subcommand(subcommand, |command| match option {
            "" => command.about(text),
            _ => command.mut_arg(option, |option| option.help(text)),
        });
    }
    command
}

/// Returns the reason why an option was refused that this system cannot offer; `None` if there is no
/// such option.
pub fn absent_option(matches: &ArgMatches) -> Option<String> {
    let (given, matches) = matches.subcommand().unwrap_or(("", matches));
    let of_subcommand = texts::ABSENT_OPTIONS.iter();
    let of_subcommand = of_subcommand.filter(|(subcommand, ..)| *subcommand == given);
    let of_subcommand = of_subcommand.map(|&(_, option, reason)| (option, reason));
    let mut absent = of_subcommand.chain(texts::ABSENT_GLOBAL_OPTIONS.iter().copied());
    let (option, reason) = absent
        .find(|(option, _)| matches.value_source(option) == Some(ValueSource::CommandLine))?;
    let option = option.replace('_', "-");
    Some(format!(
        "--{option} does not exist on this system: {reason}"
    ))
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the machine and its largest processes on one screen; the default
    Overview(overview::Args),
    /// List processes: choose columns, sort, filter, show as a tree
    Ps(ps::Args),
    /// Show memory counters of processes
    Memory(memory::Args),
    /// List modules loaded into processes: executable, libraries, vDSO
    Modules(modules::Args),
    /// List the mappings of processes
    Maps(maps::Args),
    /// Show which pages of processes are in memory, by mapping
    Ws(ws::Args),
    /// Record the page faults of a process or a command, by mapping and function
    #[command(
        mut_arg("svg", |svg| svg.help(
            "Also draw the faults over time to FILE, as SVG. `-` is standard output, and moves the table \
             to standard error"
        )),
        mut_arg("html", |html| html.help(
            "Draw the same picture and a flame graph to FILE, as an HTML page; needs no network. `-` is \
             standard output"
        )),
    )]
    Watch(watch::Args),
    /// Evict processes' pages from memory
    Empty(empty::Args),
    /// Show the file or memory that is mapped at each given address of a process
    Mapped(mapped::Args),
    /// List the kernel image and its loaded or built-in drivers
    Drivers(drivers::Args),
    /// List page files: the swap files and partitions
    #[command(name = "pagefiles")]
    PageFiles(pagefiles::Args),
    /// Show the machine's memory, and its number of processes and threads
    // The former name, which on Linux belongs to another program.
    #[command(alias = "perf")]
    System(system::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write all manual pages to a directory
    Man(man::Args),
}
