//! The caller's rights to a process, found by trial.

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::access::Access;
use crate::error::{ErrorCause, ErrorKind, SourceError};
use crate::sys::linux::calls::process_madvise;
use crate::sys::linux::proc::maps;
use crate::sys::linux::proc::stat;
use crate::sys::linux::process::Process;

/// Tries the permission checks of reading memory, of evicting pages and of killing, without doing
/// any of these.
pub(crate) fn access(process: &Process) -> Result<Access, SourceError> {
    let kind = |error: &SourceError| error.kind(Some(process.id()));
    let terminate = granted(process, check_kill(process), Access::TERMINATE)?;
    let maps = process.retry(|directory| directory.file(maps::FILE).map(drop));
    let read = match maps {
        Err(error) if !matches!(kind(&error), ErrorKind::NoAddressSpace | ErrorKind::Ended) => {
            Err(error)
        }
        // Without an address space, try `exe`. The kernel checks whether the caller may trace the
        // process before it looks for the executable.
        _ if process.memory_owner().is_none() => {
            let directory = process.directory();
            match directory.try_read_link(b"exe", &mut Vec::new()) {
                Err(Errno::ACCESS | Errno::PERM) => return Ok(terminate),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    };
    let empty = match process.id_for_system_calls()? {
        Some(id) => process_madvise::check_privilege(process.directory(), id)
            .map_err(|error| process.classify(error)),
        None => Ok(()),
    };
    Ok(terminate | granted(process, read, Access::READ)? | granted(process, empty, Access::EMPTY)?)
}

/// Returns a right unless the kernel denied it.
fn granted(
    process: &Process,
    result: Result<(), SourceError>,
    right: Access,
) -> Result<Access, SourceError> {
    match result.map_err(|error| (error.kind(Some(process.id())), error)) {
        Err((ErrorKind::AccessDenied, _)) => Ok(Access::empty()),
        Err((ErrorKind::Os | ErrorKind::Malformed, error)) => Err(error),
        // Any other failure has nothing to do with privileges.
        Ok(()) | Err(_) => Ok(right),
    }
}

/// Checks the permission to send signals. The id might be reused during the call, so the check
/// counts only if the pinned process still has it afterwards.
fn check_kill(process: &Process) -> Result<(), SourceError> {
    let id = process.id_for_system_calls()?;
    let Some(id) = id.and_then(|id| Pid::from_raw(id.get().try_into().ok()?)) else {
        return Ok(());
    };
    let checked = test_kill_process(id);
    stat::read(process.directory(), &mut Vec::new()).map_err(|error| process.classify(error))?;
    checked.map_err(|errno| SourceError::new("kill", ErrorCause::from(errno)))
}
