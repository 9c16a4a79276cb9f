//! The end of a process: waits for it, causes it, and reads how it happened.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::exit_status::ExitStatus;
use crate::sys::linux::calls::pidfd;
use crate::sys::linux::proc::stat;
use crate::sys::linux::process::{Process, has_ended};

/// Waits until a process has ended, or until the time is over. Returns true if it has ended.
pub(crate) fn wait(process: &Process, timeout: Option<Duration>) -> Result<bool, SourceError> {
    // A process that its parent has reaped has no id to open a descriptor for.
    if has_ended(process)? {
        return Ok(true);
    }
    match open(process) {
        Ok(pidfd) => pidfd::wait(&pidfd, timeout),
        Err(SourceError {
            cause: ErrorCause::Ended,
            ..
        }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Kills a process.
pub(crate) fn terminate(process: &Process) -> Result<(), SourceError> {
    let directory = process.directory();
    let mut text = Vec::new();
    match stat::read(directory, &mut text).map(|stat| (stat.is_kernel_thread(), stat.has_ended())) {
        Ok((true, _)) => {
            let cause = ErrorCause::Unsupported("kernel threads cannot be killed");
            return Err(SourceError::new(directory.path(), cause));
        }
        Ok((_, true)) => return Err(SourceError::new(directory.path(), ErrorCause::Ended)),
        Ok((_, false)) => {}
        Err(error) => return Err(process.classify(error)),
    }
    pidfd::kill(&open(process)?)
}

fn open(process: &Process) -> Result<OwnedFd, SourceError> {
    let id = process.id_for_system_calls()?.ok_or_else(|| {
        let reason = "the proc root belongs to another pid namespace, \
                      where system calls use other ids";
        SourceError::new(process.directory().path(), ErrorCause::Unsupported(reason))
    })?;
    pidfd::open(process.directory(), id).map_err(|error| process.classify(error))
}

/// Reads how a process ended; `None` while it runs.
pub(crate) fn exit_status(process: &Process) -> Result<Option<ExitStatus>, SourceError> {
    let directory = process.directory();
    let ended = |error| process.classify(error);
    if !stat::read(directory, &mut Vec::new())
        .map_err(ended)?
        .has_ended()
    {
        return Ok(None);
    }
    // Readers without permission get a status of 0. The link `exe` has the same permission check,
    // and a zombie lacks the link.
    if let Err(errno @ (Errno::ACCESS | Errno::PERM)) =
        directory.try_read_link(b"exe", &mut Vec::new())
    {
        return Err(directory.error_at(b"exe", errno));
    }
    let status = stat::read_exit_code(directory).map_err(ended)?;
    let status = status.ok_or_else(|| {
        let cause = ErrorCause::Malformed("the line lacks the exit code");
        SourceError::new(directory.path_of(b"stat"), cause)
    })?;
    Ok(Some(decode(status)))
}

/// Decodes a status as `waitpid` returns it.
fn decode(status: u32) -> ExitStatus {
    match status & 0x7F {
        0 => ExitStatus::Code(status >> 8 & 0xFF),
        signal => ExitStatus::Signal(signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_code_or_signal() {
        assert_eq!(decode(0), ExitStatus::Code(0));
        assert_eq!(decode(0xFF00), ExitStatus::Code(255));
        assert_eq!(decode(9), ExitStatus::Signal(9));
        // The process dumped core.
        assert_eq!(decode(0x8B), ExitStatus::Signal(11));
    }
}
