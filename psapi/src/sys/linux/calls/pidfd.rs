//! `pidfd_open` (Linux 5.3): a descriptor that refers to a process, for system calls that take one.
//! `pidfd_send_signal` (Linux 5.1) and `poll` are such calls.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::ProcessId;
use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::stat;

/// Opens a pidfd for a pinned process. `id` is its id in the caller's pid namespace.
pub(crate) fn open(process: &Dir, id: ProcessId) -> Result<OwnedFd, SourceError> {
    const CALL: &str = "pidfd_open";
    let id = i32::try_from(id.get()).ok().and_then(Pid::from_raw);
    let opened = id
        .ok_or(Errno::SRCH)
        .and_then(|id| rustix::process::pidfd_open(id, PidfdFlags::empty()));
    // A process keeps its id until it is reaped. If the pinned process still has its `stat` now,
    // the id belonged to it during the call, so the descriptor refers to it.
    stat::read(process, &mut Vec::new())?;
    opened.map_err(|errno| match errno {
        Errno::NOSYS => {
            let cause = ErrorCause::Unsupported("requires Linux 5.3");
            SourceError::new(CALL, cause)
        }
        errno => SourceError::new(CALL, ErrorCause::from(errno)),
    })
}

/// Kills a process. A zombie accepts the signal, which has no effect on it.
pub(crate) fn kill(pidfd: &OwnedFd) -> Result<(), SourceError> {
    rustix::process::pidfd_send_signal(pidfd, Signal::KILL)
        .map_err(|errno| SourceError::new("pidfd_send_signal", ErrorCause::from(errno)))
}

/// Waits until all threads of a process have ended, or until the time is over. `None` waits
/// forever. Returns true if the process has ended.
pub(crate) fn wait(pidfd: &OwnedFd, timeout: Option<Duration>) -> Result<bool, SourceError> {
    // A time beyond the end of the clock is as good as none.
    let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(pidfd, PollFlags::IN)], left.as_ref()) {
            // The descriptor becomes readable when the process becomes a zombie.
            Ok(ready) => return Ok(ready > 0),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(SourceError::new("poll", ErrorCause::from(errno))),
        }
    }
}
