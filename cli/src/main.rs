//! `psapi`: the Process Status API as a command.
//!
//! The layers, from the top. Each uses only the layers below it:
//!
//! 1. `main` parses the arguments, runs one subcommand and prints errors.
//! 2. `args` combines the subcommands into one command line, with the examples in `examples`.
//! 3. `commands` has one file per subcommand.
//! 4. `watch` records page faults, and `picture` draws them and address spaces.
//! 5. `target`, `listing`, `repeat`, `sort`, `pattern`, `progress` and `diagnostics` serve several
//!    subcommands.
//! 6. `columns` declares the columns of a process.
//! 7. `session` holds the system to inspect, the output and the exit code.
//! 8. `failures` words the errors of the library.
//! 9. `options`, `usage`, `output` (tables, JSON, CSV) and `clock` are independent of subcommands.
//! 10. `sys` holds everything that differs between Linux and Windows, except for the watch.

mod args;
mod clock;
mod columns;
mod commands;
mod diagnostics;
mod examples;
mod failures;
mod listing;
mod options;
mod output;
mod pattern;
mod picture;
mod progress;
mod repeat;
mod session;
mod sort;
mod sys;
mod target;
mod usage;
mod users;
mod watch;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::FromArgMatches as _;
use clap::error::ErrorKind;

use args::{Cli, Command};
use output::{Sink, os_reason};
use session::{Session, warn};
use usage::UsageError;

fn main() -> ExitCode {
    if let Some(code) = watch::run_as_helper() {
        return sys::exit(code);
    }
    let matches = match args::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return parser_failure(&error),
    };
    if let Some(reason) = args::absent_option(&matches) {
        return failure(&usage::usage(reason), matches.subcommand_name());
    }
    let outcome = Cli::from_arg_matches(&matches)
        .map_err(|error| error.format(&mut args::command()).into())
        .and_then(run);
    match outcome {
        Ok(code) => sys::exit(code),
        Err(error) => failure(&error, matches.subcommand_name()),
    }
}

/// Runs the subcommand and returns the exit code.
fn run(cli: Cli) -> anyhow::Result<sys::ExitCode> {
    cli.global.color.write_global();
    let mut session = Session::new(&cli.global)?;
    match run_subcommand(&cli, &mut session) {
        // The session words the error, because it has the names of users.
        Err(error) if error.is::<psapi::Error>() => session.report_any(error),
        outcome => outcome?,
    }
    Ok(session.exit_code())
}

fn run_subcommand(cli: &Cli, session: &mut Session) -> anyhow::Result<()> {
    let Some(command) = &cli.command else {
        return commands::overview::run(&cli.overview, session);
    };
    cli.overview.refuse_before_subcommand()?;
    match command {
        Command::Overview(args) => commands::overview::run(args, session),
        Command::Ps(args) => commands::ps::run(args, session),
        Command::Memory(args) => commands::memory::run(args, session),
        Command::Modules(args) => commands::modules::run(args, session),
        Command::Maps(args) => commands::maps::run(args, session),
        Command::Ws(args) => commands::ws::run(args, session),
        Command::Watch(args) => commands::watch::run(args, session),
        Command::Empty(args) => commands::empty::run(args, session),
        Command::Mapped(args) => commands::mapped::run(args, session),
        Command::Drivers(args) => commands::drivers::run(args, session),
        Command::PageFiles(args) => commands::pagefiles::run(args, session),
        Command::System(args) => commands::system::run(args, session),
        Command::Completions(args) => commands::completions::run(args, args::command(), session),
        Command::Man(args) => commands::man::run(args, args::documented(), session),
    }
}

/// Prints an error of a subcommand and returns its exit code.
fn failure(error: &anyhow::Error, subcommand: Option<&str>) -> ExitCode {
    if let Some(usage) = error.downcast_ref::<UsageError>() {
        let error = with_usage_of(subcommand, usage);
        return parser_failure(&error);
    }
    if let Some(error) = error.downcast_ref::<clap::Error>() {
        return parser_failure(error);
    }
    let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(closed) {
        // The reader of the pipe has closed it, as `head` does: not a failure.
        return ExitCode::SUCCESS;
    }
    match error.downcast_ref::<io::Error>() {
        Some(error) => warn(format_args!(
            "cannot write the output: {}",
            os_reason(error)
        )),
        None => warn(format_args!("{error:#}")),
    }
    ExitCode::FAILURE
}

/// Renders wrong usage as the argument parser does, with the usage line of the subcommand.
fn with_usage_of(subcommand: Option<&str>, usage: &UsageError) -> clap::Error {
    let mut command = args::command();
    command.build();
    let subcommand = subcommand.and_then(|name| command.find_subcommand_mut(name));
    match subcommand {
        Some(subcommand) => subcommand.error(ErrorKind::ArgumentConflict, usage),
        None => command.error(ErrorKind::ArgumentConflict, usage),
    }
}

/// Prints an error of the argument parser, which also reports `--help` and `--version` as errors.
fn parser_failure(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        // For wrong usage, the exit code is 2 even if standard error is closed.
        let _ = error.print();
        return ExitCode::from(error.exit_code() as u8);
    }
    // Help and the version go to standard output, and failing to write them is a failure.
    let stdout = io::stdout().lock();
    let text = match AutoStream::choice(&stdout) {
        ColorChoice::Never => error.render().to_string(),
        _ => error.render().ansi().to_string(),
    };
    match Sink::Stdout(stdout).write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => failure(&cause.into(), None),
    }
}
