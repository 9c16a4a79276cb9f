//! `pidfd_open` (Linux 5.3): a descriptor of a process, for system calls that ask for one.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use super::file::Directory;
use super::stat;
use crate::ProcessId;
use crate::error::{Cause, Refusal};

/// Opens a pinned process that has the id in the caller's pid namespace.
pub(crate) fn open(process: &Directory, id: ProcessId) -> Result<OwnedFd, Refusal> {
    const CALL: &str = "pidfd_open";
    let id = i32::try_from(id.get()).ok().and_then(Pid::from_raw);
    let opened = id
        .ok_or(Errno::SRCH)
        .and_then(|id| rustix::process::pidfd_open(id, PidfdFlags::empty()));
    // A process that is still there has held its id all the while: the descriptor is its own.
    stat::read(process, &mut Vec::new())?;
    opened.map_err(|errno| match errno {
        Errno::NOSYS => {
            let cause = Cause::Unsupported("this system call is not there before Linux 5.3");
            Refusal::new(CALL, cause)
        }
        errno => Refusal::new(CALL, Cause::Os(errno)),
    })
}
