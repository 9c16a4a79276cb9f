//! `psapi`: the Process Status API as a command.

mod cli;
mod clock;
mod columns;
mod commands;
mod explain;
mod output;
mod pattern;
mod picture;
mod progress;
mod repeat;
mod session;
mod sort;
mod target;
mod users;
mod watch;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use session::{Session, say};

fn main() -> ExitCode {
    if let Some(code) = commands::traced::run() {
        return code.into();
    }
    let outcome = Cli::try_parse().map_err(Into::into).and_then(run);
    match outcome {
        Ok(code) => code.into(),
        Err(error) => failure(&error),
    }
}

/// Answers the question; gives the exit code.
fn run(cli: Cli) -> anyhow::Result<u8> {
    cli.global.color.write_global();
    let mut session = Session::new(&cli.global)?;
    match &cli.command {
        None => commands::overview::run(&cli.overview, &mut session)?,
        Some(command) => {
            cli.overview.refuse_before_subcommand()?;
            match command {
                Command::Overview(args) => commands::overview::run(args, &mut session)?,
                Command::Ps(args) => commands::ps::run(args, &mut session)?,
                Command::Memory(args) => commands::memory::run(args, &mut session)?,
                Command::Modules(args) => commands::modules::run(args, &mut session)?,
                Command::Maps(args) => commands::maps::run(args, &mut session)?,
                Command::Ws(args) => commands::ws::run(args, &mut session)?,
                Command::Watch(args) => commands::watch::run(args, &mut session)?,
                Command::Empty(args) => commands::empty::run(args, &mut session)?,
                Command::Mapped(args) => commands::mapped::run(args, &mut session)?,
                Command::Drivers(args) => commands::drivers::run(args, &mut session)?,
                Command::PageFiles(args) => commands::pagefiles::run(args, &mut session)?,
                Command::Perf(args) => commands::perf::run(args, &mut session)?,
                Command::Completions(args) => commands::completions::run(args, &mut session)?,
                Command::Man(args) => commands::man::run(args, &mut session)?,
            }
        }
    }
    Ok(session.exit_code())
}

/// Says what went wrong, and with which exit code.
fn failure(error: &anyhow::Error) -> ExitCode {
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        // Help and the version come this way, too, and go to standard output. Wrong usage is that
        // whether or not anybody reads it.
        return match usage.print() {
            Err(error) if !usage.use_stderr() => failure(&error.into()),
            _ => ExitCode::from(usage.exit_code() as u8),
        };
    }
    let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(closed) {
        // Whoever read the output has seen enough.
        return ExitCode::SUCCESS;
    }
    match error.downcast_ref::<io::Error>() {
        Some(error) => say(format_args!("can't write the output: {error}")),
        None => say(format_args!("{error:#}")),
    }
    ExitCode::FAILURE
}
