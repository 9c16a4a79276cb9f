//! Runs a command under `ptrace`, so that it stops at its first instruction and before it exits.
//! `psapi` can then read its mappings, even if it runs only briefly.
//!
//! One thread starts and traces the command, because the kernel accepts `ptrace` requests only from
//! the tracing thread. This thread sends a [`Notification`] for each event to the main thread, and
//! keeps the traced process stopped until the notification is dropped. A byte in a socket pair
//! accompanies each notification, so that the main thread can poll for it together with other
//! descriptors.
//!
//! All threads of a process are traced, because each of them can call `execve` or start a process.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use psapi::{ProcessId, System};
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus, waitid};

use super::exec_child::{FIRST_ARGUMENT, start_reason};
use super::signals::{next_signal, termination_signals};
use crate::output::os_reason;
use crate::watch::engine::options::OWN_FAILURE;

/// The interval at which signals are forwarded to a command that is no longer watched.
const SIGNAL_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The signals that stop a process.
const STOP_SIGNALS: [Signal; 4] = [
    Signal::SIGSTOP,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
];

/// The event that is reported before the command's first instruction.
const EXECUTED: Options = Options::PTRACE_O_TRACEEXEC;

/// A traced command and the notifications about it.
#[derive(Debug)]
pub struct Tracer {
    command: ProcessId,
    notifications: Receiver<Notification>,
    /// Receives a byte for each notification.
    wake_rx: UnixStream,
    exit: Receiver<u8>,
}

/// A command that is no longer watched.
#[derive(Debug)]
pub struct ReleasedCommand {
    command: ProcessId,
    exit: Receiver<u8>,
    signals: SignalFd,
}

/// An event of a traced process. The process continues when the notification is dropped.
#[derive(Debug)]
pub struct Notification {
    pub process: ProcessId,
    pub event: TraceEvent,
    _resume: Sender<()>,
}

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceEvent {
    /// The process was created by another traced process.
    Forked,
    /// The process called `execve` and stopped at the first instruction of the new program.
    Executed,
    /// The first or the last thread is about to exit, usually with the whole process.
    Exiting,
    /// The process has ended with this exit code, in the shell's convention. It is still a zombie.
    Exited(u8),
}

impl Tracer {
    /// Starts a command. With `children`, its descendants are traced as well.
    pub fn start(command: &[OsString], children: bool, system: &System) -> Result<Self> {
        let (wake_rx, wake_tx) = UnixStream::pair()?;
        let (sender, notifications) = mpsc::channel();
        let (id_sender, id_receiver) = mpsc::channel();
        let (exit_sender, exit) = mpsc::channel();
        let mut child = Command::new("/proc/self/exe");
        child.arg(FIRST_ARGUMENT).args(command);
        let events = EventSender { sender, wake_tx };
        let system = system.clone();
        // The parent thread becomes the tracer, so the tracing thread starts the child.
        thread::Builder::new()
            .spawn(move || {
                let child = child.spawn();
                // The main thread reads these signals. They are blocked only after the spawn, because
                // the command inherits the blocked signals of this thread.
                let _ = termination_signals().thread_block();
                let id = child
                    .map(|child| ProcessId::new(child.id()))
                    .map_err(|error| anyhow!("cannot start the command: {}", start_reason(&error)))
                    .and_then(|id| seize(id).map(|()| id));
                let command = id.as_ref().ok().copied().and_then(pid);
                if id_sender.send(id).is_ok()
                    && let Some(command) = command
                {
                    let thread = TracingThread {
                        command,
                        children,
                        system,
                        events,
                        exit: exit_sender,
                        threads: HashMap::from([(command, command)]),
                        exiting: HashSet::new(),
                        has_executed: false,
                    };
                    thread.run();
                }
            })
            .map_err(|error| anyhow!("cannot start the command: {}", start_reason(&error)))?;
        let command = id_receiver
            .recv()
            .context("the tracing thread has ended")??;
        Ok(Tracer {
            command,
            notifications,
            wake_rx,
            exit,
        })
    }

    /// Returns the process id of the command.
    pub fn command(&self) -> ProcessId {
        self.command
    }

    /// Returns the next notification, if there is one.
    pub fn next(&mut self) -> Option<Notification> {
        let notification = self.notifications.try_recv().ok()?;
        // The sender writes one byte after each notification, so this does not block for long.
        let _ = self.wake_rx.read_exact(&mut [0]);
        Some(notification)
    }

    /// Waits for the next notification. Returns `None` after a spurious wake-up.
    pub fn wait(&mut self) -> Option<Notification> {
        let mut fds = [rustix::event::PollFd::new(
            &self.wake_rx,
            rustix::event::PollFlags::IN,
        )];
        let _ = rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, None));
        self.next()
    }

    /// Sends a signal to the command.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.command, signal);
    }

    /// Lets the command run without notifications. `signals` are forwarded to it.
    pub fn release(self, signals: SignalFd) -> ReleasedCommand {
        ReleasedCommand {
            command: self.command,
            exit: self.exit,
            signals,
        }
    }
}

impl ReleasedCommand {
    /// Asks the command to end, waits until it has, and returns its exit code.
    pub fn end(self) -> u8 {
        send_signal(self.command, Signal::SIGTERM);
        // A stopped process handles no other signal.
        send_signal(self.command, Signal::SIGCONT);
        loop {
            match self.exit.recv_timeout(SIGNAL_POLL_INTERVAL) {
                Ok(code) => return code,
                Err(RecvTimeoutError::Disconnected) => return OWN_FAILURE,
                Err(RecvTimeoutError::Timeout) => {}
            }
            while let Some(signal) = next_signal(&self.signals) {
                forward(self.command, signal);
            }
        }
    }
}

/// Forwards SIGTERM and SIGHUP to the command. The terminal sends SIGINT and SIGQUIT to the whole
/// process group, so the command already has them.
pub fn forward(command: ProcessId, signal: Signal) {
    if let Signal::SIGTERM | Signal::SIGHUP = signal {
        send_signal(command, signal);
    }
}

fn send_signal(process: ProcessId, signal: Signal) {
    if let Some(pid) = pid(process) {
        let _ = nix::sys::signal::kill(nix_pid(pid), signal);
    }
}

/// The descriptor becomes readable when there is a notification.
impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake_rx.as_fd()
    }
}

/// The sending side of the notifications.
#[derive(Debug)]
struct EventSender {
    sender: Sender<Notification>,
    wake_tx: UnixStream,
}

impl EventSender {
    /// Sends a notification and waits until it is dropped. Returns at once if there is no receiver
    /// any more.
    fn send_and_wait(&self, process: Pid, event: TraceEvent) {
        let (resume, done) = mpsc::channel();
        let notification = Notification {
            process: ProcessId::new(raw(process)),
            event,
            _resume: resume,
        };
        if self.sender.send(notification).is_ok() {
            let _ = (&self.wake_tx).write_all(&[0]);
        }
        // Nothing is ever sent through this channel: `recv` returns when it is disconnected.
        let _: Result<(), _> = done.recv();
    }
}

/// The state of the thread that traces.
#[derive(Debug)]
struct TracingThread {
    command: Pid,
    children: bool,
    system: System,
    events: EventSender,
    /// Receives the exit code of the command.
    exit: Sender<u8>,
    /// The traced threads and their processes.
    threads: HashMap<Pid, Pid>,
    /// Threads that are about to exit.
    exiting: HashSet<Pid>,
    has_executed: bool,
}

impl TracingThread {
    fn run(mut self) {
        while !self.threads.is_empty() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
            if wait_id(WaitId::All, options).is_err() {
                return;
            }
            let threads: Vec<(Pid, Pid)> = self.threads.iter().map(|(&t, &p)| (t, p)).collect();
            for (thread, process) in threads {
                self.handle(thread, process);
            }
        }
    }

    /// Handles a state change of a thread, if there is one.
    fn handle(&mut self, thread: Pid, process: Pid) {
        let stops = WaitIdOptions::NOHANG | WaitIdOptions::STOPPED;
        // NOWAIT leaves a zombie in place until its files have been read.
        let options = stops | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = match wait_id(WaitId::Pid(thread), options) {
            Ok(Some(status)) => status,
            Ok(None) => return,
            Err(_) => {
                self.forget(thread);
                return;
            }
        };
        if let Some(code) = exit_code(&status) {
            self.forget(thread);
            if thread == process {
                if process == self.command {
                    // The receiver is gone if the exit ends the watch.
                    let _ = self.exit.send(code);
                }
                self.events.send_and_wait(process, TraceEvent::Exited(code));
            }
            reap(thread);
            return;
        }
        // A signal, or SIGTRAP with a ptrace event in the bits above it.
        let Some(stop) = status.trapping_signal().or(status.stopping_signal()) else {
            return;
        };
        // SIGKILL might have ended the stop in the meantime.
        if let Ok(Some(_)) = wait_id(WaitId::Pid(thread), stops) {
            let signal = stop & 0xff;
            match stop >> 8 {
                // A signal that is about to be delivered.
                0 => self.resume(thread, signal.unsigned_abs()),
                libc::PTRACE_EVENT_STOP => self.handle_stop(thread, process, signal),
                event => {
                    self.handle_event_stop(thread, process, event);
                    self.resume(thread, 0);
                }
            }
        }
    }

    /// Handles a stop that is neither the delivery of a signal nor an event of the thread.
    fn handle_stop(&mut self, thread: Pid, process: Pid, signal: i32) {
        if STOP_SIGNALS.iter().any(|&stop| signal == stop as i32) {
            // The signal has stopped the whole process. Another stop follows after SIGCONT.
            let _ = self.system.keep_traced_thread_stopped(raw(thread));
        } else if thread == process && process != self.command && !self.children {
            // `clone` can create a process in a way that the kernel reports as a thread.
            let _ = ptrace::detach(nix_pid(thread), None);
            self.forget(thread);
        } else {
            // The thread is new, or SIGCONT has continued its process.
            self.resume(thread, 0);
        }
    }

    fn handle_event_stop(&mut self, thread: Pid, process: Pid, event: i32) {
        let message = || {
            let message = ptrace::getevent(nix_pid(thread)).ok()?;
            Pid::from_raw(i32::try_from(message).ok()?)
        };
        match event {
            libc::PTRACE_EVENT_EXEC => {
                // The thread that called `execve` has taken over the id of its process.
                if let Some(former) = message()
                    && former != thread
                {
                    self.forget(former);
                }
                self.exiting.remove(&thread);
                if !self.has_executed {
                    self.has_executed = true;
                    let _ = ptrace::setoptions(nix_pid(thread), self.options());
                }
                self.events.send_and_wait(process, TraceEvent::Executed);
            }
            libc::PTRACE_EVENT_EXIT => {
                self.exiting.insert(thread);
                let mut threads = self.threads.iter().filter(|(_, of)| **of == process);
                let is_last = threads.all(|(thread, _)| self.exiting.contains(thread));
                if thread == process || is_last {
                    self.events.send_and_wait(process, TraceEvent::Exiting);
                }
            }
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
                let Some(new) = message() else { return };
                if event == libc::PTRACE_EVENT_CLONE && self.is_thread(process, new) {
                    self.threads.insert(new, process);
                    return;
                }
                self.threads.insert(new, new);
                if self.children {
                    self.events.send_and_wait(new, TraceEvent::Forked);
                }
            }
            _ => {}
        }
    }

    /// Returns true if a process has a thread with this id.
    fn is_thread(&self, process: Pid, thread: Pid) -> bool {
        let name = self.system.thread_name(raw(process), raw(thread));
        name.is_ok_and(|name| name.is_some())
    }

    fn forget(&mut self, thread: Pid) {
        self.threads.remove(&thread);
        self.exiting.remove(&thread);
    }

    /// Returns the events that are reported from the first instruction of the command.
    fn options(&self) -> Options {
        let options = EXECUTED | Options::PTRACE_O_TRACEEXIT | Options::PTRACE_O_TRACECLONE;
        match self.children {
            true => options | Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK,
            false => options,
        }
    }

    /// Resumes a thread and delivers a signal; 0 is none. An error means that the thread was
    /// killed; `waitid` reports its exit later.
    fn resume(&self, thread: Pid, signal: u32) {
        let _ = self.system.continue_traced_thread(raw(thread), signal);
    }
}

/// Traces a child that stops itself, and continues it.
///
/// `PTRACE_SEIZE` reports a stopped process and its continuation. After `PTRACE_TRACEME`, the
/// kernel reports neither, and new threads cannot be told from stopped ones.
fn seize(child: ProcessId) -> Result<()> {
    let Some(child) = pid(child) else {
        return Ok(());
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
    let status = wait_id(WaitId::Pid(child), options);
    if !matches!(status, Ok(Some(status)) if status.stopped()) {
        // The child has ended, which the tracing thread reports.
        return Ok(());
    }
    ptrace::seize(nix_pid(child), EXECUTED).map_err(|errno| {
        let _ = nix::sys::signal::kill(nix_pid(child), Signal::SIGKILL);
        let _ = wait_id(WaitId::Pid(child), WaitIdOptions::EXITED);
        anyhow!(
            "cannot trace the command: ptrace: {}. A container, the setting \
             kernel.yama.ptrace_scope or another tracer might forbid tracing",
            os_reason(&io::Error::from(errno))
        )
    })?;
    let _ = nix::sys::signal::kill(nix_pid(child), Signal::SIGCONT);
    Ok(())
}

/// Calls `waitid` and retries on EINTR.
fn wait_id(
    target: WaitId<'_>,
    options: WaitIdOptions,
) -> Result<Option<WaitIdStatus>, rustix::io::Errno> {
    rustix::io::retry_on_intr(|| {
        // `WaitId` is neither `Copy` nor `Clone`.
        let target = match &target {
            WaitId::Pid(pid) => WaitId::Pid(*pid),
            _ => WaitId::All,
        };
        waitid(target, options)
    })
}

/// Reaps a zombie.
fn reap(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let _ = wait_id(WaitId::Pid(pid), options);
}

/// Returns the exit code of an ended process: 128 + the signal if a signal ended it, as in shells.
fn exit_code(status: &WaitIdStatus) -> Option<u8> {
    let killed = status.terminating_signal().map(|signal| 128 + signal);
    status.exit_status().or(killed).map(|code| code as u8)
}

fn pid(id: ProcessId) -> Option<Pid> {
    i32::try_from(id.get()).ok().and_then(Pid::from_raw)
}

fn nix_pid(pid: Pid) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get())
}

fn raw(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}
