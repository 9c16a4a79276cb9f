//! The signals that end a watch or are forwarded to the watched command.

use anyhow::{Context as _, Result};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Returns the signals that end a watch of a running process.
pub fn termination_signals() -> SigSet {
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

/// Blocks the termination signals and returns a descriptor to read them from.
///
/// Processes that this thread starts afterwards inherit the blocked signals.
pub fn open_signal_fd() -> Result<SignalFd> {
    let set = termination_signals();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    set.thread_block()
        .and_then(|()| SignalFd::with_flags(&set, flags))
        .context("cannot wait for signals")
}

/// Returns the next signal that has arrived, if there is one.
pub fn next_signal(signals: &SignalFd) -> Option<Signal> {
    let info = signals.read_signal().ok()??;
    Signal::try_from(info.ssi_signo as i32).ok()
}

/// Lets the termination signals end this process again, once the watch is over. Signals that have
/// already arrived belong to the watch.
pub fn unblock_termination_signals() {
    if let Ok(signals) = open_signal_fd() {
        while next_signal(&signals).is_some() {}
    }
    let _ = termination_signals().thread_unblock();
}
