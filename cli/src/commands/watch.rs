//! `psapi watch`: the page faults of a process as they happen, or of a command from its first
//! instruction to its last.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use psapi::{PageFault, Symbolizer};

use super::traced::OWN_FAILURE;
use crate::output::{Format, Sink};
use crate::session::Session;
use crate::target::Target;
use crate::watch::{self, Key, Observer, Ran, Report, Tally, Watching, columns};

/// Options of `psapi watch`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "psapi watch [OPTIONS] <TARGET>\n       psapi watch [OPTIONS] -- <COMMAND>..."
)]
pub struct Args {
    #[command(flatten)]
    target: Option<Target>,
    /// A command to run and to watch from its first instruction to its last
    #[arg(
        last = true,
        value_name = "COMMAND",
        required_unless_present = "target",
        conflicts_with = "target"
    )]
    command: Vec<OsString>,
    /// Stop after SECONDS (fractions allowed)
    #[arg(long, short = 'd', value_name = "SECONDS", value_parser = crate::repeat::seconds, conflicts_with = "command")]
    duration: Option<Duration>,
    /// Watch the processes that it starts, too
    #[arg(long, short = 'c')]
    children: bool,
    /// Write the report to FILE; if not given, that on a command goes to standard error
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    /// The lists of the report; CSV has one, by mapping if not given
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    by: Vec<List>,
    /// At most N rows in each list; in tables 10 if not given
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// Don't look functions and source lines up
    #[arg(long)]
    no_symbols: bool,
}

/// A list of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum List {
    Mapping,
    Module,
    Function,
    Thread,
}

const ALL: [List; 4] = [List::Mapping, List::Module, List::Function, List::Thread];

const USUAL_TOP: usize = 10;

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    if session.output.format() == Format::Csv && args.by.len() > 1 {
        return Err(crate::cli::usage(
            "CSV has one list: --by takes one with --csv",
        ));
    }
    let options = watch::Options {
        children: args.children,
        duration: args.duration,
    };
    let symbolizer = (!args.no_symbols).then(Symbolizer::new);
    let tally = Tally::new(session.system.clone(), symbolizer);
    match &args.target {
        Some(target) => {
            redirect(args, session)?;
            let Some(process) = target.one(session)? else {
                return Ok(());
            };
            let mut watching = watch::process(process, options, tally, &mut Nobody)?;
            report(args, &mut watching, session)
        }
        None => {
            let code = run_command(args, options, tally, session).unwrap_or_else(|error| {
                session.report(format_args!("{error:#}"));
                OWN_FAILURE
            });
            session.exit_with(code);
            Ok(())
        }
    }
}

/// Runs the command, and gives its exit code. An error is none of the command.
fn run_command(
    args: &Args,
    options: watch::Options,
    tally: Tally,
    session: &mut Session,
) -> Result<u8> {
    redirect(args, session)?;
    match watch::command(&args.command, options, tally, session, &mut Nobody)? {
        Ran::NotRun(code) => Ok(code),
        Ran::Watched(mut watching, code) => {
            report(args, &mut watching, session).or_else(unless_closed)?;
            Ok(code)
        }
    }
}

/// That nobody reads the report is no failure.
fn unless_closed(error: anyhow::Error) -> Result<()> {
    let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match error.downcast_ref() {
        Some(error) if closed(error) => Ok(()),
        _ => Err(error),
    }
}

/// Sends the report where it belongs, before there is one: what can't be written to is told first.
fn redirect(args: &Args, session: &mut Session) -> Result<()> {
    if let Some(path) = &args.output {
        let file = File::create(path).map_err(|error| anyhow!("{error}"));
        let file = file.with_context(|| format!("can't write {}", path.display()))?;
        session.output.redirect(Sink::File(file));
    } else if args.target.is_none() {
        session.output.redirect(Sink::Stderr(io::stderr().lock()));
    }
    Ok(())
}

struct Nobody;

impl Observer for Nobody {
    fn see(&mut self, _: &[(PageFault, Key)], _: &mut Tally) -> Result<()> {
        Ok(())
    }
}

fn report(args: &Args, watching: &mut Watching, session: &mut Session) -> Result<()> {
    let mut report = Report::of(watching);
    let is_table = session.output.format() == Format::Table;
    let top = args.top.or(is_table.then_some(USUAL_TOP));
    let left_out = report.cut(top.unwrap_or(usize::MAX));
    let lists: &[List] = match (&args.by[..], session.output.format()) {
        ([], Format::Csv) => &[List::Mapping],
        ([], _) => &ALL,
        (lists, _) => lists,
    };
    let is_csv = session.output.format() == Format::Csv;
    let output = &mut session.output;
    let summary = columns::summary(&report.summary);
    let summary = output.usual(&summary);
    let several = report.several;
    let by_mapping = columns::mappings(several, &report.mappings);
    let by_mapping = output.usual(&by_mapping);
    let by_module = columns::modules(several);
    let by_module = output.usual(&by_module);
    let by_function = columns::functions(several);
    let by_function = output.usual(&by_function);
    let by_thread = columns::threads(several);
    let by_thread = output.usual(&by_thread);
    let mut document = output.document(None)?;
    if !is_csv {
        document.record("watch", &summary, &report.summary)?;
    }
    for list in lists {
        match list {
            List::Mapping => document.rows("mappings", &by_mapping, &report.mappings)?,
            List::Module => document.rows("modules", &by_module, &report.modules)?,
            List::Function => document.rows("functions", &by_function, &report.functions)?,
            List::Thread => document.rows("threads", &by_thread, &report.threads)?,
        }
    }
    if left_out && is_table {
        document.line("lists are cut: --top N shows more")?;
    }
    document.end()?;
    Ok(())
}
