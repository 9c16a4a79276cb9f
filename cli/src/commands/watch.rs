//! `psapi watch`: the page faults of a process as they happen, or of a command from its first
//! instruction to its last.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};

use super::picture_files::{ExtraFigure, OpenPictures, PictureFiles, write};
use crate::clock::Clock;
use crate::output::{Content, Format, Output, OutputFile, Sink, is_stdout, os_reason, printable};
use crate::session::{Session, warn};
use crate::sys;
use crate::target::Target;
use crate::usage::{UsageError, usage};
use crate::watch::{
    self, CODE, FaultSink, FlameGraph, OWN_FAILURE, Outcome, Points, Report, ResolvedCode, Tally,
    Watched, columns, name_output,
};

/// Options of `psapi watch`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "psapi watch [OPTIONS] <TARGET>\n       psapi watch [OPTIONS] -- <COMMAND>..."
)]
pub struct Args {
    #[command(flatten)]
    target: Option<Target>,
    /// Command to run, and to watch from its first instruction to its last
    #[arg(
        last = true,
        value_name = "COMMAND",
        required_unless_present = "target",
        conflicts_with = "target"
    )]
    command: Vec<OsString>,
    /// Stop after SECONDS (fractions allowed). A command that still runs gets SIGTERM
    #[arg(long, short = 'd', value_name = "SECONDS", value_parser = crate::repeat::seconds)]
    duration: Option<Duration>,
    /// Also watch the processes that the target starts [default with a command]
    #[arg(long, short = 'c', overrides_with = "no_children")]
    children: bool,
    /// Do not watch the processes that the command starts
    #[arg(long, overrides_with = "children")]
    no_children: bool,
    /// Write the report to FILE; `-` is standard output [default: standard output, or standard
    /// error with a command]
    #[arg(long, short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    /// Lists to print [default: all; mapping with --csv, which has one list]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    by: Vec<List>,
    /// Print at most N rows of each list [default: 10 in tables, otherwise all]
    #[arg(long, value_name = "N", value_parser = rows)]
    top: Option<usize>,
    /// Print each fault as it happens instead of the report
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    pictures: PictureFiles,
    /// Draw a flame graph by module and function to FILE, as SVG. `-` is standard output
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    flame: Option<PathBuf>,
    /// Do not resolve functions and source lines
    #[arg(long)]
    no_symbols: bool,
}

/// A list of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum List {
    Mapping,
    Module,
    #[value(name = CODE.list)]
    Function,
    Thread,
}

const ALL_LISTS: [List; 4] = [List::Mapping, List::Module, List::Function, List::Thread];

/// Rows of each list in a table unless `--top` is given.
const DEFAULT_TOP: usize = 10;

fn rows(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "expected a number of rows")
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    if session.output.format() == Format::Csv && args.by.len() > 1 {
        return Err(usage("CSV has one list: --by takes one value with --csv"));
    }
    args.check_stdout(session)?;
    let result = if args.target.is_some() {
        watch_target(args, session)
    } else {
        run_command(args, session).map(|code| session.exit_with(code))
    };
    result.or_else(|error| {
        if args.target.is_some() || error.is::<UsageError>() {
            return Err(error);
        }
        session.report_any(error);
        session.exit_with(OWN_FAILURE);
        Ok(())
    })
}

/// The files that a watch writes.
struct OutputFiles {
    pictures: OpenPictures,
    flame: Option<OutputFile>,
}

impl Args {
    /// Returns the file for the report; `None` for a standard stream.
    fn report_file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|file| !is_stdout(file))
    }

    fn pictures_on_stdout(&self) -> usize {
        let flame = self.flame.as_deref().is_some_and(is_stdout);
        self.pictures.count_on_stdout() + usize::from(flame)
    }

    /// Rejects more than one output on standard output.
    fn check_stdout(&self, session: &Session) -> Result<()> {
        let is_report_explicit = match &self.output {
            Some(file) => is_stdout(file),
            // The table moves to standard error.
            None => self.target.is_some() && session.output.format() != Format::Table,
        };
        match self.pictures_on_stdout() + usize::from(is_report_explicit) {
            0 | 1 => Ok(()),
            _ => Err(usage(
                "standard output takes only one of the report, --svg, --png, --html and --flame: \
                 name a file for the others",
            )),
        }
    }

    /// Opens all files before the watch starts, so that an unwritable one is reported first.
    fn open_files(&self, session: &mut Session) -> Result<OutputFiles> {
        let flame = self.flame.as_deref();
        let flame = flame.map(|file| OutputFile::open(file, Content::Text));
        let files = OutputFiles {
            pictures: self.pictures.open()?,
            flame: flame.transpose()?,
        };
        if let Some(path) = self.report_file() {
            // Convert to text: `main` reports an `io::Error` as a failure to write standard output.
            let file = File::create(path).map_err(|error| anyhow!(os_reason(&error)));
            let file = file.with_context(|| format!("cannot write {}", path.display()))?;
            session.output.redirect(Sink::File(file));
        } else if self.output.is_none() && (self.target.is_none() || self.pictures_on_stdout() > 0)
        {
            session.output.redirect(Sink::Stderr(io::stderr().lock()));
        }
        Ok(files)
    }

    fn options(&self) -> watch::Options {
        watch::Options {
            children: self.children || self.target.is_none() && !self.no_children,
            duration: self.duration,
            running_count: !self.live,
        }
    }

    fn tally(&self, session: &Session) -> Tally {
        Tally::new(session.system.clone(), !self.no_symbols)
    }

    fn fault_sink<'s>(&'s self, output: &'s mut Output) -> FaultSink<'s> {
        FaultSink {
            live: self.live.then_some(output),
            file: self.report_file(),
            points: self.pictures.are_wanted().then(Points::default),
            stop_on_error: self.target.is_some(),
            write_error: None,
        }
    }
}

fn watch_target(args: &Args, session: &mut Session) -> Result<()> {
    let files = args.open_files(session)?;
    let target = args.target.as_ref().map(|target| target.one(session));
    let Some(process) = target.transpose()?.flatten() else {
        return Ok(());
    };
    let tally = args.tally(session);
    let mut sink = args.fault_sink(&mut session.output);
    let mut watched = watch::watch_process(process, args.options(), tally, &mut sink)?;
    let points = sink.points;
    show(args, &mut watched, points, files, session)
}

/// Runs the command and returns its exit code. Errors are failures of `psapi`, not of the command.
fn run_command(args: &Args, session: &mut Session) -> Result<sys::ExitCode> {
    let files = args.open_files(session)?;
    let (system, tally) = (session.system.clone(), args.tally(session));
    let mut sink = args.fault_sink(&mut session.output);
    let outcome = watch::watch_command(&args.command, args.options(), tally, &system, &mut sink)?;
    let (points, written) = (sink.points, sink.write_error.map_or(Ok(()), Err));
    match outcome {
        Outcome::NotRun(code) => Ok(code),
        Outcome::Watched(mut watched, end) => {
            let shown = show(args, &mut watched, points, files, session).and(written);
            let code = end.exit_code();
            shown
                .or_else(ignore_broken_pipe)
                .map_err(|error| anyhow!("{error:#}; the command ended with exit code {code}"))?;
            Ok(code)
        }
    }
}

/// Ignores a broken pipe: a reader may stop early, and the command's exit code still counts.
fn ignore_broken_pipe(error: anyhow::Error) -> Result<()> {
    match error.downcast_ref::<io::Error>() {
        Some(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}

/// Writes the requested pictures and prints the report.
fn show(
    args: &Args,
    watched: &mut Watched,
    points: Option<Points>,
    files: OutputFiles,
    session: &mut Session,
) -> Result<()> {
    let code = ResolvedCode::new(&mut watched.accounting.tally);
    watch::restore_interrupts();
    if let Some(points) = &points {
        let begin = SystemTime::now().checked_sub(watched.duration);
        let time = begin.map_or_else(String::new, |begin| Clock::new().date(begin));
        let scene = watch::scene(watched, points, &time);
        let extra = flame_graph(watched, &code)?;
        files.pictures.write(&scene, extra.as_ref())?;
    }
    if let Some(file) = files.flame {
        match flame_graph(watched, &code)? {
            Some(flame) => write(file, flame.svg.as_bytes())?,
            None => warn(format_args!(
                "the flame graph is not written: no page faults were recorded"
            )),
        }
    }
    if args.live {
        return report_missing_symbols(&code, session)
            .map_err(|error| name_output(args.report_file(), error));
    }
    print_report(args, watched, &code, session)
        .map_err(|error| name_output(args.report_file(), error))
}

/// Reports the modules without symbols after the faults of `--live`. In CSV, which holds one list,
/// they have no place.
fn report_missing_symbols(code: &ResolvedCode, session: &mut Session) -> Result<()> {
    let missing = code.missing();
    match session.output.format() {
        Format::Table => missing.iter().for_each(warn),
        Format::Json if !missing.is_empty() => {
            let mut document = session.output.document(None)?;
            document.rows("missing_symbols", &columns::missing(), missing)?;
            document.end()?;
        }
        _ => {}
    }
    Ok(())
}

/// Draws the flame graph. Returns `None` if there are no faults.
fn flame_graph(watched: &Watched, code: &ResolvedCode) -> Result<Option<ExtraFigure>> {
    let tally = &watched.accounting.tally;
    if tally.counts.is_empty() {
        return Ok(None);
    }
    let FlameGraph { svg, height } = watch::flame_graph(&watch::heading(watched), tally, code)?;
    Ok(Some(ExtraFigure {
        heading: CODE.heading,
        svg,
        height,
        caption: CODE.caption,
    }))
}

fn print_report(
    args: &Args,
    watched: &Watched,
    code: &ResolvedCode,
    session: &mut Session,
) -> Result<()> {
    let mut report = Report::new(watched, code);
    let is_table = session.output.format() == Format::Table;
    let top = args.top.or(is_table.then_some(DEFAULT_TOP));
    let is_truncated = report.truncate(top.unwrap_or(usize::MAX));
    let lists: &[List] = match (&args.by[..], session.output.format()) {
        ([], Format::Csv) => &[List::Mapping],
        ([], _) => &ALL_LISTS,
        (lists, _) => lists,
    };
    let is_csv = session.output.format() == Format::Csv;
    let output = &mut session.output;
    let summary = columns::summary(&report.summary);
    let summary = output.visible(&summary);
    let with_process = report.has_several_programs;
    let by_mapping = columns::mappings(with_process, &report.mappings);
    let by_mapping = output.visible(&by_mapping);
    let by_module = columns::modules(with_process);
    let by_module = output.visible(&by_module);
    let by_function = columns::functions(with_process, &report.functions);
    let by_function = output.visible(&by_function);
    let by_thread = columns::threads(with_process);
    let by_thread = output.visible(&by_thread);
    let mut document = output.document(None)?;
    if !is_csv {
        document.record("watch", &summary, &report.summary)?;
        for file in &report.summary.unread {
            let file = printable(file.as_os_str().as_encoded_bytes());
            document.line(&format!(
                "functions are missing: the file system of {file} does not respond"
            ))?;
        }
        // A reason is too long for a row of the table.
        if let Some(reason) = &report.summary.unaccounted {
            document.line(&format!("no account of the working set: {reason}"))?;
        }
    }
    let are_empty = |list: &List| match list {
        List::Mapping => report.mappings.is_empty(),
        List::Module => report.modules.is_empty(),
        List::Function => report.functions.is_empty(),
        List::Thread => report.threads.is_empty(),
    };
    if report.summary.counts.total() == 0 {
        document.line("no page faults were recorded")?;
    }
    for list in lists {
        // A heading without rows has no information.
        if is_table && are_empty(list) {
            continue;
        }
        match list {
            List::Mapping => document.rows("mappings", &by_mapping, &report.mappings)?,
            List::Module => document.rows("modules", &by_module, &report.modules)?,
            List::Function => document.rows(CODE.noun, &by_function, &report.functions)?,
            List::Thread => document.rows("threads", &by_thread, &report.threads)?,
        }
    }
    if is_table {
        if lists.contains(&List::Function) {
            let missing = report.missing_in_rows().map(ToString::to_string);
            let missing: Vec<String> = missing.map(|text| printable(text.as_bytes())).collect();
            document.paragraph(&missing)?;
        }
    } else if !is_csv {
        document.rows("missing_symbols", &columns::missing(), &report.missing)?;
    }
    if is_truncated && is_table {
        document.line("lists are truncated; --top N prints more rows")?;
    }
    document.end()?;
    Ok(())
}
