//! Watching: the faults of a process, or of a command from its first instruction to its last.

mod account;
pub mod columns;
mod counted;
mod flame;
mod live;
mod picture;
mod points;
mod report;
mod tally;
mod tracer;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use psapi::{
    ErrorKind, Fields, PageFault, Process, ProcessId, System, WatchOptions, WorkingSetWatch,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::output::human_size;
use crate::session::say;
use account::{Account, Snapshot};
use counted::Counted;
pub use flame::{Flame, flame};
pub use live::write as write_live;
pub use picture::{scene, title};
pub use points::Points;
pub use report::{Code, Report};
pub use tally::{Key, Program, Tally};
use tracer::{Event, Tracer, What};

/// How to watch.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub children: bool,
    pub duration: Option<Duration>,
}

/// A watch and what has come of it so far.
#[derive(Debug)]
pub struct Watching {
    pub id: ProcessId,
    process: Process,
    watch: WorkingSetWatch,
    children: bool,
    /// The signals that end the watch, or that are for the command.
    signals: SignalFd,
    tracer: Option<Tracer>,
    look: Option<Look>,
    faults: Vec<PageFault>,
    pub tally: Tally,
    pub lost: u64,
    account: Account,
    pub page_size: u64,
    begin: Instant,
    pub duration: Duration,
    counted: Counted,
    /// The most that it ever had in memory, in bytes.
    pub peak: Option<u64>,
    /// Why there is no account.
    unaccounted: Option<psapi::Error>,
}

/// When to look at the mappings of a program that has just begun, whatever it does: soon, and then
/// less and less often. It may have libraries long before enough happens to wake us, and execute
/// something else before long.
#[derive(Debug, Clone, Copy)]
struct Look {
    id: ProcessId,
    due: Instant,
    step: Duration,
}

/// Bytes for what each processor records until it is fetched.
const BUFFER: usize = 2 << 20;

const FIRST_LOOK: Duration = Duration::from_millis(1);
const LAST_LOOK: Duration = Duration::from_millis(50);

impl Look {
    fn at_beginning(id: ProcessId) -> Self {
        Look {
            id,
            due: Instant::now() + FIRST_LOOK,
            step: FIRST_LOOK,
        }
    }

    fn next(self) -> Option<Self> {
        let step = self.step * 2;
        (step <= LAST_LOOK).then(|| Look {
            due: Instant::now() + step,
            step,
            ..self
        })
    }
}

/// How a command came to its end.
#[derive(Debug)]
pub enum Ran {
    /// It was watched; its exit code.
    Watched(Box<Watching>, u8),
    /// It was not run; the exit code that says why not.
    NotRun(u8),
}

/// The signals that end a watch, or are for the command.
fn ending() -> SigSet {
    let mut set = SigSet::empty();
    for signal in [
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGHUP,
    ] {
        set.add(signal);
    }
    set
}

/// Blocks these signals, so that they can be read. What is started afterwards has them blocked,
/// too.
fn signals() -> Result<SignalFd> {
    let set = ending();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    set.thread_block()
        .and_then(|()| SignalFd::with_flags(&set, flags))
        .context("can't wait for signals")
}

/// What is done with each batch of faults beside adding them up.
pub trait Observer {
    fn see(&mut self, batch: &[(PageFault, Key)], begin_ns: u64, tally: &mut Tally) -> Result<()>;
}

/// Watches a process until it ends, the time is over, or a signal tells to stop.
pub fn process(
    process: Process,
    options: Options,
    tally: Tally,
    observer: &mut dyn Observer,
) -> Result<Watching> {
    let signals = signals()?;
    let mut watching = Watching::open(process, options, signals, tally, observer)?;
    let program = watching.tally.current(watching.id);
    let name = program.and_then(|program| watching.tally.programs[program].name.as_deref());
    let name = name.map_or_else(Default::default, OsStr::to_string_lossy);
    say(format_args!("watching process {}, {name}", watching.id));
    let end = options.duration.map(|duration| watching.begin + duration);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        watching.wait(left)?;
        let has_ended = watching.watch.has_ended()?;
        watching.take(observer)?;
        let is_over = left.is_some_and(|left| left.is_zero());
        if has_ended || is_over || watching.signal().is_some() {
            watching.close(observer)?;
            return Ok(watching);
        }
    }
}

/// Runs a command and watches it until it ends.
pub fn command(
    command: &[OsString],
    options: Options,
    tally: Tally,
    system: &System,
    observer: &mut dyn Observer,
) -> Result<Ran> {
    let root = system.proc_root();
    let mut tracer =
        Tracer::start(command, options.children, root).context("can't start the command")?;
    let signals = signals()?;
    let event = loop {
        match tracer.wait() {
            Some(event) => break event,
            None => continue,
        }
    };
    if let What::Ended(code) = event.what {
        return Ok(Ran::NotRun(code));
    }
    let opened = system.process(tracer.id).map_err(Into::into);
    let opened =
        opened.and_then(|process| Watching::open(process, options, signals, tally, observer));
    let mut watching = match opened {
        Ok(watching) => watching,
        Err(error) => {
            tracer.signal(Signal::SIGKILL);
            return Err(error);
        }
    };
    drop(event);
    watching.tracer = Some(tracer);
    watching.look = Some(Look::at_beginning(watching.id));
    loop {
        let until_look = |look: Look| look.due.saturating_duration_since(Instant::now());
        watching.wait(watching.look.map(until_look))?;
        watching.look_if_due();
        watching.take(observer)?;
        watching.hand_on_signals();
        while let Some(event) = watching.tracer.as_mut().and_then(Tracer::next) {
            if let Some(code) = watching.happened(&event, observer)? {
                return Ok(Ran::Watched(Box::new(watching), code));
            }
        }
    }
}

impl Watching {
    fn open(
        process: Process,
        options: Options,
        signals: SignalFd,
        mut tally: Tally,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let watch_options = WatchOptions::new()
            .children(options.children)
            .buffer_size(BUFFER);
        let mut watch = process.watch_working_set_with(watch_options)?;
        if watch.buffer_size() < BUFFER {
            say(format_args!(
                "the buffer of each processor has {} instead of {}, and faults may be lost: more may \
                 not be locked in memory without CAP_IPC_LOCK, or more of the setting \
                 kernel.perf_event_mlock_kb or of RLIMIT_MEMLOCK, ulimit -l",
                human_size(watch.buffer_size() as u64),
                human_size(BUFFER as u64),
            ));
        }
        tally.begin(process.id());
        let (before, unaccounted) = told(Snapshot::of(&process));
        // What came until here is in the account's beginning.
        let mut faults = Vec::new();
        let counted = Counted::begin(&process, &mut watch, &mut faults)?;
        let mut watching = Watching {
            id: process.id(),
            process,
            watch,
            children: options.children,
            signals,
            tracer: None,
            look: None,
            faults,
            tally,
            lost: 0,
            account: Account::new(before),
            page_size: rustix::param::page_size() as u64,
            begin: Instant::now(),
            duration: Duration::ZERO,
            counted,
            peak: None,
            unaccounted,
        };
        watching.add_up(observer)?;
        Ok(watching)
    }

    /// Waits until there may be something to do.
    fn wait(&self, timeout: Option<Duration>) -> Result<()> {
        let mut fds = vec![
            PollFd::new(&self.watch, PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
        ];
        fds.extend(
            self.tracer
                .as_ref()
                .map(|tracer| PollFd::new(tracer, PollFlags::IN)),
        );
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(io::Error::from(errno)).context("can't wait for faults"),
        }
    }

    fn signal(&self) -> Option<Signal> {
        let info = self.signals.read_signal().ok()??;
        Signal::try_from(info.ssi_signo as i32).ok()
    }

    /// Those of the keyboard go to the command anyhow.
    fn hand_on_signals(&self) {
        while let Some(signal) = self.signal() {
            if let (Signal::SIGTERM | Signal::SIGHUP, Some(tracer)) = (signal, &self.tracer) {
                tracer.signal(signal);
            }
        }
    }

    fn look_if_due(&mut self) {
        if let Some(look) = self.look.filter(|look| look.due <= Instant::now()) {
            self.tally.refresh(look.id);
            self.look = look.next();
        }
    }

    /// Fetches faults and adds them up.
    fn take(&mut self, observer: &mut dyn Observer) -> Result<()> {
        self.lost += self.watch.changes_into(&mut self.faults)?;
        self.counted.leave_out_earlier(&mut self.faults);
        self.add_up(observer)
    }

    fn add_up(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let mut batch = Vec::with_capacity(self.faults.len());
        let (account, id, page_size) = (&mut self.account, self.id, self.page_size);
        self.tally.add(&self.faults, |fault, key| {
            if fault.process == id {
                account.add(fault.address, page_size);
            }
            batch.push((*fault, key));
        });
        observer.see(&batch, self.counted.begin_ns(), &mut self.tally)
    }

    /// Deals with what the command or a child of it did. Answers the command's exit code once it
    /// has ended.
    fn happened(&mut self, event: &Event, observer: &mut dyn Observer) -> Result<Option<u8>> {
        let is_command = event.id == self.id;
        match event.what {
            What::Forked => {
                self.take(observer)?;
                self.tally.begin(event.id);
            }
            What::Executed => {
                self.take(observer)?;
                self.tally.begin(event.id);
                self.look = Some(Look::at_beginning(event.id));
                if is_command {
                    let (before, why) = told(Snapshot::of(&self.process));
                    self.account = Account::new(before);
                    self.unaccounted = why;
                }
            }
            What::Ending => {
                self.tally.refresh(event.id);
                self.take(observer)?;
                if is_command {
                    self.look_at_memory();
                }
            }
            What::Ended(code) if is_command => {
                self.close(observer)?;
                return Ok(Some(code));
            }
            What::Ended(_) => {}
            What::Untraced => say(
                "the command takes real-time signals, and goes on without stopping at its end: \
                 what it maps shortly before may be missing",
            ),
        }
        Ok(None)
    }

    /// What is in memory, if there is still some.
    fn look_at_memory(&mut self) {
        let status = self.process.status(Fields::STAT | Fields::MEMORY).ok();
        let memory = status.and_then(|status| status.memory);
        self.peak = memory.map(|memory| memory.peak_working_set).or(self.peak);
        match Snapshot::of(&self.process) {
            Ok(after) => self.account.after = Some(after),
            Err(error) if error.kind() == ErrorKind::Ended && self.account.after.is_some() => {}
            Err(error) => {
                self.unaccounted.get_or_insert(error);
            }
        }
    }

    fn close(&mut self, observer: &mut dyn Observer) -> Result<()> {
        self.duration = self.begin.elapsed();
        self.tally.refresh(self.id);
        self.take(observer)?;
        if !self.watch.has_ended()? {
            self.look_at_memory();
            self.take(observer)?;
        }
        self.lost += self
            .counted
            .end(&self.process, &mut self.watch, &mut self.faults)?;
        self.add_up(observer)
    }

    /// When it began, as faults have it: in nanoseconds of `CLOCK_MONOTONIC`.
    pub fn begin_ns(&self) -> u64 {
        self.counted.begin_ns()
    }

    pub fn buffer_size(&self) -> u64 {
        self.watch.buffer_size() as u64
    }

    /// Whether buffers are smaller than was asked for.
    pub fn is_short_of_room(&self) -> bool {
        self.watch.buffer_size() < BUFFER
    }

    pub fn is_user_only(&self) -> bool {
        self.watch.is_user_only()
    }
}

fn monotonic() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn told<T>(answer: psapi::Result<T>) -> (Option<T>, Option<psapi::Error>) {
    match answer {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(error)),
    }
}
