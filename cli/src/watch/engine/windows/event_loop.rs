//! The event loop of a watch: fetches faults at intervals, until the process or the watch ends.

use std::ffi::{OsStr, OsString};
use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use psapi::{Process, ProcessId, System};

use crate::output::{os_reason, printable};
use crate::session::warn;
use crate::sys::{ExitCode, SuspendedCommand, catch_interrupts, is_interrupted};
use crate::watch::engine::options::{NOT_EXECUTABLE, NOT_FOUND, OWN_FAILURE, Options};
use crate::watch::engine::refresh_timer::RefreshTimer;
use crate::watch::engine::running_count::RunningCount;
use crate::watch::engine::session::{Observer, WatchSession, Watched};
use crate::watch::engine::tally::{Origin, Tally};

/// The interval at which faults are fetched. Windows keeps a limited number of them.
const FETCH_INTERVAL: Duration = Duration::from_millis(10);

/// The outcome of a command.
#[derive(Debug)]
pub enum Outcome {
    /// The command was watched.
    Watched(Box<Watched>, CommandEnd),
    /// The command could not be executed; the exit code gives the reason.
    NotRun(ExitCode),
}

/// The end of a command: it has ended, or the duration was over.
#[derive(Debug)]
pub struct CommandEnd(SuspendedCommand);

impl CommandEnd {
    /// Terminates the command if it still runs, and returns its exit code.
    pub fn exit_code(mut self) -> ExitCode {
        self.0.end().unwrap_or(OWN_FAILURE)
    }
}

/// Watches a process until it ends, the duration is over, or Ctrl-C is pressed.
pub fn watch_process(
    process: Process,
    options: Options,
    tally: Tally,
    observer: &mut dyn Observer,
) -> Result<Watched> {
    catch_interrupts().context("cannot wait for Ctrl-C")?;
    let mut session =
        WatchSession::open(process, options.children, tally, Origin::Observed, observer)?;
    let id = session.process();
    let name = session.tally().name(id);
    let name = name.map_or_else(Default::default, OsStr::to_string_lossy);
    let mut count = RunningCount::new(options.running_count);
    let how_to_stop = if count.is_shown() {
        ". Press Ctrl-C to stop"
    } else {
        ""
    };
    warn(format_args!("watching process {id}, {name}{how_to_stop}"));
    follow(&mut session, options.duration, None, observer, |faults| {
        count.update(faults);
        is_interrupted()
    })?;
    drop(count);
    session.close(observer)
}

/// Runs a command and watches it until it ends. Ctrl-C reaches the command, not the watch.
pub fn watch_command(
    command: &[OsString],
    options: Options,
    tally: Tally,
    system: &System,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    catch_interrupts().context("cannot wait for Ctrl-C")?;
    let mut started = match SuspendedCommand::start(command) {
        Ok(started) => started,
        Err(error) => return Ok(Outcome::NotRun(report_not_run(command, &error))),
    };
    let opened = system
        .process(ProcessId::new(started.id()))
        .map_err(Into::into)
        .and_then(|process| {
            WatchSession::open(process, options.children, tally, Origin::Executed, observer)
        })
        .and_then(|session| {
            started
                .resume(system)
                .context("cannot resume the command")?;
            Ok(session)
        });
    let mut session = match opened {
        Ok(session) => session,
        Err(error) => {
            let _ = started.end();
            return Err(error);
        }
    };
    let timer = RefreshTimer::start(session.process());
    follow(
        &mut session,
        options.duration,
        Some(timer),
        observer,
        |_| false,
    )?;
    let watched = session.close(observer)?;
    Ok(Outcome::Watched(Box::new(watched), CommandEnd(started)))
}

/// Prints why a command could not be started, and returns the exit code for that.
fn report_not_run(command: &[OsString], error: &io::Error) -> ExitCode {
    let program = command.first().map(|program| program.as_encoded_bytes());
    let name = printable(program.unwrap_or_default());
    warn(format_args!("cannot run {name}: {}", os_reason(error)));
    match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    }
}

/// Fetches faults until the process ends, the duration is over, or `is_over` returns true. Its
/// argument is the number of faults so far.
fn follow(
    session: &mut WatchSession,
    duration: Option<Duration>,
    mut timer: Option<RefreshTimer>,
    observer: &mut dyn Observer,
    mut is_over: impl FnMut(u64) -> bool,
) -> Result<()> {
    let end = duration.map(|duration| session.begin() + duration);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let refresh = timer.map(|timer| timer.time_left());
        let waits = [Some(FETCH_INTERVAL), left, refresh];
        session.wait(waits.into_iter().flatten().min().unwrap_or(FETCH_INTERVAL))?;
        // Checked before the fetch, so that the fetch gets every fault of an ended process.
        let has_ended = session.has_ended()?;
        if let Some(due) = timer.filter(|timer| timer.is_due() && !has_ended) {
            session.tally().refresh(due.process);
            timer = due.next();
        }
        session.fetch(observer)?;
        let is_time_over = left.is_some_and(|left| left.is_zero());
        if is_over(session.faults()) || has_ended || is_time_over {
            return Ok(());
        }
    }
}
