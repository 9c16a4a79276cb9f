//! `psapi watch`: the page faults of a process as they happen, or of a command from its first
//! instruction to its last.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use psapi::{PageFault, Symbolizer};

use super::traced::OWN_FAILURE;
use crate::cli::usage;
use crate::clock::Clock;
use crate::output::{Format, Output, Sink};
use crate::picture::{Beside, Files, is_output, put};
use crate::session::Session;
use crate::target::Target;
use crate::watch::{
    self, Code, Flame, Key, Observer, Points, Ran, Report, Tally, Watching, columns,
};

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
    /// A line for each fault as it happens, in place of the report
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    pictures: Files,
    /// Draw a flame graph by module and function to FILE, as SVG; a page of HTML has it, too
    #[arg(long, value_name = "FILE", help_heading = "Pictures")]
    flame: Option<PathBuf>,
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
        return Err(usage("CSV has one list: --by takes one with --csv"));
    }
    if args.pictures.use_output() || args.flame.as_ref().is_some_and(|file| is_output(file)) {
        return Err(usage(
            "a picture of a watch goes to a file: standard output has the report, or is the \
             command's",
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
            let mut seen = Seen::new(args, &mut session.output);
            let mut watching = watch::process(process, options, tally, &mut seen)?;
            let points = seen.points;
            show(args, &mut watching, points, session)
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
    let system = session.system.clone();
    let mut seen = Seen::new(args, &mut session.output);
    let ran = watch::command(&args.command, options, tally, &system, &mut seen)?;
    let (points, written) = (seen.points, seen.refused.map_or(Ok(()), Err));
    match ran {
        Ran::NotRun(code) => Ok(code),
        Ran::Watched(mut watching, code) => {
            show(args, &mut watching, points, session)
                .and(written)
                .or_else(unless_closed)
                .map_err(|error| anyhow!("{error:#}; the command ended with exit code {code}"))?;
            Ok(code)
        }
    }
}

/// Says of an error of the output where that goes, unless nobody reads it: that is no failure.
fn naming(file: Option<&Path>, error: anyhow::Error) -> anyhow::Error {
    match (error.downcast_ref::<io::Error>(), file) {
        (Some(cause), _) if cause.kind() == io::ErrorKind::BrokenPipe => error,
        (Some(cause), Some(path)) => anyhow!("can't write {}: {cause}", path.display()),
        (Some(cause), None) => anyhow!("can't write the output: {cause}"),
        (None, _) => error,
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

/// What becomes of each fault.
struct Seen<'s> {
    /// Where it is written to at once.
    live: Option<&'s mut Output>,
    /// The file that this is.
    file: Option<&'s Path>,
    /// Where it is kept for a picture.
    points: Option<Points>,
    /// Whether it is of a command: that goes on when it can't be written any more, and so does the
    /// watch.
    of_command: bool,
    /// Why it can't be written any more.
    refused: Option<anyhow::Error>,
}

impl<'s> Seen<'s> {
    fn new(args: &'s Args, output: &'s mut Output) -> Self {
        Seen {
            live: args.live.then_some(output),
            file: args.output.as_deref(),
            points: args.pictures.are_wanted().then(Points::default),
            of_command: args.target.is_none(),
            refused: None,
        }
    }
}

impl Observer for Seen<'_> {
    fn see(&mut self, batch: &[(PageFault, Key)], begin_ns: u64, tally: &mut Tally) -> Result<()> {
        if let Some(points) = &mut self.points {
            for &(fault, key) in batch {
                points.add(fault, key);
            }
        }
        let Some(output) = &mut self.live else {
            return Ok(());
        };
        let written = watch::write_live(batch, begin_ns, tally, output);
        match written.map_err(|error| naming(self.file, error)) {
            Err(error) if self.of_command => {
                self.live = None;
                self.refused = Some(error);
                Ok(())
            }
            written => written,
        }
    }
}

/// Shows what was asked for: pictures, and the report.
fn show(
    args: &Args,
    watching: &mut Watching,
    points: Option<Points>,
    session: &mut Session,
) -> Result<()> {
    let code = Code::of(&mut watching.tally);
    if let Some(points) = &points {
        let begin = SystemTime::now().checked_sub(watching.duration);
        let taken = begin.map_or_else(String::new, |begin| Clock::new().date(begin));
        let scene = watch::scene(watching, points, &taken);
        let beside = flame_graph(watching, &code)?;
        args.pictures.write(&scene, beside.as_ref(), session)?;
    }
    if let (Some(file), Some(flame)) = (&args.flame, flame_graph(watching, &code)?) {
        put(file, flame.svg.as_bytes(), session)?;
    }
    if args.live {
        return Ok(());
    }
    report(args, watching, &code, session).map_err(|error| naming(args.output.as_deref(), error))
}

/// `None` without a fault to draw.
fn flame_graph(watching: &Watching, code: &Code) -> Result<Option<Beside>> {
    if watching.tally.counts.is_empty() {
        return Ok(None);
    }
    let Flame { svg, height } = watch::flame(&watch::title(watching), &watching.tally, code)?;
    Ok(Some(Beside {
        heading: "By module and function",
        svg,
        height,
        caption: "A frame is as wide as it has faults. Click on one to look closer; Ctrl-F searches.",
    }))
}

fn report(args: &Args, watching: &Watching, code: &Code, session: &mut Session) -> Result<()> {
    let mut report = Report::of(watching, code);
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
        // A table has rows for figures; this is a sentence.
        if let Some(why) = &report.summary.unaccounted {
            document.line(&format!("no account of the working set: {why}"))?;
        }
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
