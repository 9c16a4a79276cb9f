//! A command that is watched from its first instruction to its last: it is traced, and so stops
//! when it has begun to execute a program and when it is about to end. Its mappings are there to
//! be read then, however short it runs.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use psapi::ProcessId;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus, waitid};

use crate::commands::traced;

/// How often stopped processes are asked whether they were told to go on: nobody else tells.
const STOPPED_TICK: Duration = Duration::from_millis(20);

/// A command and what it does.
#[derive(Debug)]
pub struct Tracer {
    /// The command itself.
    pub id: ProcessId,
    events: Receiver<Event>,
    sender: Sender<Event>,
    bell: UnixStream,
    ringer: UnixStream,
}

/// Something that a traced process did. It goes on once this is dropped.
#[derive(Debug)]
pub struct Event {
    pub id: ProcessId,
    pub what: What,
    _go_on: Sender<()>,
}

/// What it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was started by another one.
    Forked,
    /// It is to execute the first instruction of a program.
    Executed,
    /// Its first thread is about to end, most often the whole process.
    Ending,
    /// It has ended, but is still listed; with which code, as shells have it.
    Ended(u8),
    /// It goes on without stopping, as do all others.
    Untraced,
}

impl Tracer {
    /// Starts a command; with `children`, the processes that it starts stop, too.
    pub fn start(command: &[OsString], children: bool, proc_root: &Path) -> io::Result<Self> {
        let (bell, ringer) = UnixStream::pair()?;
        let (sender, events) = mpsc::channel();
        let (started, start) = mpsc::channel();
        let mut helper = Command::new("/proc/self/exe");
        helper.arg(traced::FIRST).args(command);
        let teller = Teller {
            sender: sender.clone(),
            ringer: ringer.try_clone()?,
        };
        let root = proc_root.to_owned();
        // The kernel lets the thread alone that started it trace it.
        thread::spawn(move || {
            let child = helper.spawn();
            // They are for the other thread; the command has those blocked that this process had.
            let _ = super::ending().thread_block();
            let id = child.map(|child| ProcessId::new(child.id()));
            let own = id.as_ref().ok().copied();
            if started.send(id).is_ok()
                && let Some(id) = own
            {
                Tracing::new(id, children, root, teller).run();
            }
        });
        let id = start.recv().map_err(io::Error::other)??;
        Ok(Tracer {
            id,
            events,
            sender,
            bell,
            ringer,
        })
    }

    /// The next thing that happened, if there is one.
    pub fn next(&mut self) -> Option<Event> {
        let event = self.events.try_recv().ok()?;
        // A byte was written for it, or is about to be.
        let _ = self.bell.read_exact(&mut [0]);
        if event.what == What::Untraced {
            self.wait_for_end();
        }
        Some(event)
    }

    /// The next thing that happens.
    pub fn wait(&mut self) -> Option<Event> {
        let mut fds = [rustix::event::PollFd::new(
            &self.bell,
            rustix::event::PollFlags::IN,
        )];
        let _ = rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, None));
        self.next()
    }

    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = pid(self.id) {
            let _ = nix::sys::signal::kill(raw(pid), signal);
        }
    }

    /// Waits without tracing.
    fn wait_for_end(&self) {
        let (Some(pid), Ok(ringer)) = (pid(self.id), self.ringer.try_clone()) else {
            return;
        };
        let teller = Teller {
            sender: self.sender.clone(),
            ringer,
        };
        thread::spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // As long as the thread that traced is not gone altogether, each other one is told of
            // the stop, too, whatever it waits for.
            while let Ok(status) = look(WaitId::Pid(pid), options) {
                if let Some(code) = status.as_ref().and_then(code) {
                    teller.tell_and_wait(pid, What::Ended(code));
                    reap(pid);
                    return;
                }
                thread::sleep(STOPPED_TICK);
            }
        });
    }
}

impl AsFd for Tracer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// Tells the other thread what happens.
#[derive(Debug)]
struct Teller {
    sender: Sender<Event>,
    ringer: UnixStream,
}

impl Teller {
    /// Gives what ends once it has been dealt with.
    fn tell(&self, pid: Pid, what: What) -> Receiver<()> {
        let (go_on, done) = mpsc::channel();
        let event = Event {
            id: ProcessId::new(pid.as_raw_nonzero().get().unsigned_abs()),
            what,
            _go_on: go_on,
        };
        if self.sender.send(event).is_ok() {
            // A byte for each; whoever listens reads it.
            let _ = (&self.ringer).write_all(&[0]);
        }
        done
    }

    fn tell_and_wait(&self, pid: Pid, what: What) {
        // Nothing is ever sent: the end of the event is told.
        let _ = self.tell(pid, what).recv();
    }
}

/// The thread that traces.
#[derive(Debug)]
struct Tracing {
    children: bool,
    proc_root: PathBuf,
    teller: Teller,
    /// Those that are traced.
    processes: HashSet<Pid>,
    /// Of these, those that have not gone on since they are.
    new: HashSet<Pid>,
    /// Of these, those that a signal has stopped.
    stopped: HashSet<Pid>,
    has_begun: bool,
}

impl Tracing {
    fn new(command: ProcessId, children: bool, proc_root: PathBuf, teller: Teller) -> Self {
        Tracing {
            children,
            proc_root,
            teller,
            processes: pid(command).into_iter().collect(),
            new: HashSet::new(),
            stopped: HashSet::new(),
            has_begun: false,
        }
    }

    fn run(mut self) {
        while !self.processes.is_empty() {
            let mut options =
                WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
            if !self.stopped.is_empty() {
                options |= WaitIdOptions::NOHANG;
            }
            match look(WaitId::All, options) {
                Ok(Some(_)) => {}
                Ok(None) => {
                    thread::sleep(STOPPED_TICK);
                    self.go_on_with_stopped();
                }
                Err(_) => return,
            }
            for pid in self.processes.clone() {
                if !self.look_at(pid) {
                    // With this thread the kernel takes the tracing off, and lets each process go
                    // on with the signal that it was stopped at and that nobody has waited for.
                    self.teller.tell(pid, What::Untraced);
                    return;
                }
            }
        }
    }

    /// Deals with what a process has done. `false`: tracing has to end.
    fn look_at(&mut self, pid: Pid) -> bool {
        let now = WaitIdOptions::NOHANG | WaitIdOptions::STOPPED;
        let options = now | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = match look(WaitId::Pid(pid), options) {
            Ok(Some(status)) => status,
            Ok(None) => return true,
            Err(_) => {
                self.forget(pid);
                return true;
            }
        };
        if let Some(code) = code(&status) {
            self.forget(pid);
            self.teller.tell_and_wait(pid, What::Ended(code));
            reap(pid);
            return true;
        }
        // A signal, or SIGTRAP with an event above it.
        let Some(stop) = status.trapping_signal().or(status.stopping_signal()) else {
            return true;
        };
        let Ok(signal) = Signal::try_from(stop & 0xff) else {
            // A real-time signal, which has no name to hand it on by.
            return false;
        };
        // It may have been killed meanwhile: then there is no stop any more.
        if let Ok(Some(_)) = look(WaitId::Pid(pid), now) {
            match stop >> 8 {
                0 => self.stopped_at(pid, signal),
                event => {
                    self.event(pid, event);
                    go_on(pid, None);
                }
            }
        }
        true
    }

    fn stopped_at(&mut self, pid: Pid, signal: Signal) {
        if self.new.remove(&pid) {
            // This stop comes with being traced, and is no signal of anybody's.
            go_on(pid, None);
        } else if signal == Signal::SIGTRAP && !self.has_begun {
            self.has_begun = true;
            let mut options = Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_TRACEEXIT;
            if self.children {
                options |= Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
            }
            let _ = ptrace::setoptions(raw(pid), options);
            self.teller.tell_and_wait(pid, What::Executed);
            go_on(pid, None);
        } else if ptrace::getsiginfo(raw(pid)).is_err_and(|errno| errno == Errno::EINVAL) {
            // Not the signal, but what came of it.
            self.stopped.insert(pid);
        } else {
            go_on(pid, Some(signal));
        }
    }

    fn event(&mut self, pid: Pid, event: i32) {
        match event {
            libc::PTRACE_EVENT_EXEC => self.teller.tell_and_wait(pid, What::Executed),
            libc::PTRACE_EVENT_EXIT => self.teller.tell_and_wait(pid, What::Ending),
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => {
                let child = ptrace::getevent(raw(pid)).ok();
                let child = child.and_then(|child| i32::try_from(child).ok());
                if let Some(child) = child.and_then(Pid::from_raw) {
                    self.processes.insert(child);
                    self.new.insert(child);
                    self.teller.tell_and_wait(child, What::Forked);
                }
            }
            _ => {}
        }
    }

    fn forget(&mut self, pid: Pid) {
        self.processes.remove(&pid);
        self.new.remove(&pid);
        self.stopped.remove(&pid);
    }

    /// Lets those go on that were told to.
    fn go_on_with_stopped(&mut self) {
        for pid in std::mem::take(&mut self.stopped) {
            if is_told_to_continue(&self.proc_root, pid) {
                go_on(pid, None);
            } else {
                self.stopped.insert(pid);
            }
        }
    }
}

fn look(
    whom: WaitId<'_>,
    options: WaitIdOptions,
) -> Result<Option<WaitIdStatus>, rustix::io::Errno> {
    rustix::io::retry_on_intr(|| {
        waitid(
            match &whom {
                WaitId::Pid(pid) => WaitId::Pid(*pid),
                _ => WaitId::All,
            },
            options,
        )
    })
}

/// Takes a process that has ended off the list.
fn reap(pid: Pid) {
    let _ = look(
        WaitId::Pid(pid),
        WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
    );
}

/// That it was killed meanwhile is told by its end.
fn go_on(pid: Pid, signal: Option<Signal>) {
    let _ = ptrace::cont(raw(pid), signal);
}

/// The code of one that has ended, as shells have it.
fn code(status: &WaitIdStatus) -> Option<u8> {
    let killed = status.terminating_signal().map(|signal| 128 + signal);
    status.exit_status().or(killed).map(|code| code as u8)
}

/// Whether a stopped process has been sent SIGCONT: it waits to be delivered.
fn is_told_to_continue(proc_root: &Path, pid: Pid) -> bool {
    let status = proc_root
        .join(pid.as_raw_nonzero().to_string())
        .join("status");
    let Ok(status) = fs::read_to_string(status) else {
        return true;
    };
    let pending = |line: &str| {
        let mask = line
            .strip_prefix("SigPnd:")
            .or(line.strip_prefix("ShdPnd:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    let bit = 1 << (Signal::SIGCONT as u32 - 1);
    status
        .lines()
        .filter_map(pending)
        .any(|mask| mask & bit != 0)
}

fn pid(id: ProcessId) -> Option<Pid> {
    i32::try_from(id.get()).ok().and_then(Pid::from_raw)
}

fn raw(pid: Pid) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get())
}
