//! The event loop of a watch: waits for faults, signals, timers and a traced command.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use psapi::{Process, System};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::signals::{next_signal, open_signal_fd};
use super::tracer::{Notification, ReleasedCommand, TraceEvent, Tracer, forward};
use crate::session::warn;
use crate::watch::engine::options::Options;
use crate::watch::engine::refresh_timer::RefreshTimer;
use crate::watch::engine::running_count::RunningCount;
use crate::watch::engine::session::{Observer, WatchSession, Watched};
use crate::watch::engine::tally::{Origin, Tally};

/// The outcome of a command.
#[derive(Debug)]
pub enum Outcome {
    /// The command was watched.
    Watched(Box<Watched>, CommandEnd),
    /// The command could not be executed; the exit code gives the reason.
    NotRun(u8),
}

/// The end of a command.
#[derive(Debug)]
pub enum CommandEnd {
    /// The command ended with this exit code.
    Exited(u8),
    /// The command still ran when the duration was over.
    Running(ReleasedCommand),
}

impl CommandEnd {
    /// Ends the command if it still runs, and returns its exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            CommandEnd::Exited(code) => code,
            CommandEnd::Running(command) => command.end(),
        }
    }
}

/// A session and the other sources of events.
struct EventLoop<'o> {
    session: WatchSession,
    signals: SignalFd,
    refresh_timer: Option<RefreshTimer>,
    observer: &'o mut dyn Observer,
}

/// Watches a process until it ends, the duration is over, or a termination signal arrives.
pub fn watch_process(
    process: Process,
    options: Options,
    tally: Tally,
    observer: &mut dyn Observer,
) -> Result<Watched> {
    let signals = open_signal_fd()?;
    let mut session =
        WatchSession::open(process, options.children, tally, Origin::Observed, observer)?;
    let id = session.process();
    let name = session.tally().name(id);
    let name = name.map_or_else(Default::default, OsStr::to_string_lossy);
    let count = RunningCount::new(options.running_count);
    let how_to_stop = if count.is_shown() {
        ". Press Ctrl-C to stop"
    } else {
        ""
    };
    warn(format_args!("watching process {id}, {name}{how_to_stop}"));
    let event_loop = EventLoop {
        session,
        signals,
        refresh_timer: None,
        observer,
    };
    event_loop.run_process(options.duration, count)
}

/// Runs a command and watches it until it ends.
pub fn watch_command(
    command: &[OsString],
    options: Options,
    tally: Tally,
    system: &System,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let mut tracer = Tracer::start(command, options.children, system)?;
    let signals = open_signal_fd()?;
    let first = loop {
        match tracer.wait() {
            Some(notification) => break notification,
            None => continue,
        }
    };
    if let TraceEvent::Exited(code) = first.event {
        return Ok(Outcome::NotRun(code));
    }
    let opened = system
        .process(tracer.command())
        .map_err(Into::into)
        .and_then(|process| {
            WatchSession::open(process, options.children, tally, Origin::Executed, observer)
        });
    let session = match opened {
        Ok(session) => session,
        Err(error) => {
            tracer.signal(Signal::SIGKILL);
            return Err(error);
        }
    };
    // The command has waited at its first instruction until the watch was open.
    drop(first);
    let event_loop = EventLoop {
        refresh_timer: Some(RefreshTimer::start(session.process())),
        session,
        signals,
        observer,
    };
    let (watched, end) = event_loop.run_command(tracer, options.duration)?;
    Ok(Outcome::Watched(Box::new(watched), end))
}

impl EventLoop<'_> {
    fn run_process(
        mut self,
        duration: Option<Duration>,
        mut count: RunningCount,
    ) -> Result<Watched> {
        let end = duration.map(|duration| self.session.begin() + duration);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            self.wait(None, left)?;
            // Checked before the fetch, so that the fetch gets every fault of an ended process.
            let has_ended = self.session.has_ended()?;
            self.session.fetch(self.observer)?;
            count.update(self.session.faults());
            let is_over = left.is_some_and(|left| left.is_zero());
            if has_ended || is_over || next_signal(&self.signals).is_some() {
                drop(count);
                return self.close();
            }
        }
    }

    fn run_command(
        mut self,
        mut tracer: Tracer,
        duration: Option<Duration>,
    ) -> Result<(Watched, CommandEnd)> {
        let end = duration.map(|duration| self.session.begin() + duration);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let refresh = self.refresh_timer.map(|timer| timer.time_left());
            self.wait(Some(&tracer), left.into_iter().chain(refresh).min())?;
            self.refresh_if_due();
            self.session.fetch(self.observer)?;
            while let Some(signal) = next_signal(&self.signals) {
                forward(tracer.command(), signal);
            }
            while let Some(notification) = tracer.next() {
                if let Some(code) = self.handle(&notification)? {
                    // The zombie keeps its /proc files until the notification is dropped.
                    return Ok((self.close()?, CommandEnd::Exited(code)));
                }
            }
            if left.is_some_and(|left| left.is_zero()) {
                let command = tracer.release(open_signal_fd()?);
                return Ok((self.close()?, CommandEnd::Running(command)));
            }
        }
    }

    /// Ends the watch. From now on, a signal ends the reading of symbols.
    fn close(self) -> Result<Watched> {
        let mut watched = self.session.close(self.observer)?;
        watched.accounting.tally.files.stop_on(self.signals);
        Ok(watched)
    }

    /// Waits for an event, at most until the timeout.
    fn wait(&self, tracer: Option<&Tracer>, timeout: Option<Duration>) -> Result<()> {
        let mut fds = vec![
            PollFd::new(self.session.watch(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
        ];
        fds.extend(tracer.map(|tracer| PollFd::new(tracer, PollFlags::IN)));
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(io::Error::from(errno)).context("cannot wait for faults"),
        }
    }

    fn refresh_if_due(&mut self) {
        if let Some(timer) = self.refresh_timer.filter(RefreshTimer::is_due) {
            self.session.tally().refresh(timer.process);
            self.refresh_timer = timer.next();
        }
    }

    /// Handles an event of a traced process. Returns the command's exit code once it has ended.
    fn handle(&mut self, notification: &Notification) -> Result<Option<u8>> {
        let Notification { process, event, .. } = *notification;
        let is_command = process == self.session.process();
        match event {
            TraceEvent::Forked => {
                self.session
                    .start_program(process, Origin::Forked, self.observer)?;
            }
            TraceEvent::Executed => {
                self.session
                    .start_program(process, Origin::Executed, self.observer)?;
                self.refresh_timer = Some(RefreshTimer::start(process));
                if is_command {
                    self.session.restart_account();
                }
            }
            TraceEvent::Exiting => self.session.before_exit(process, self.observer)?,
            TraceEvent::Exited(code) if is_command => return Ok(Some(code)),
            TraceEvent::Exited(_) => {}
        }
        Ok(None)
    }
}
