//! `ptrace`: continues a traced thread, or leaves it stopped.

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::process_id::ProcessId;

/// Continues a stopped thread that the calling thread traces, and delivers a signal; 0 for none.
///
/// Safe wrappers of other crates have a type for signals that lacks the real-time ones.
pub(crate) fn continue_thread(thread: ProcessId, signal: u32) -> Result<(), SourceError> {
    request(libc::PTRACE_CONT, thread, signal)
}

/// Leaves a traced thread in its group stop, and lets its process receive SIGCONT.
pub(crate) fn listen(thread: ProcessId) -> Result<(), SourceError> {
    request(libc::PTRACE_LISTEN, thread, 0)
}

/// Makes a request that passes its argument by value.
fn request(request: libc::c_uint, thread: ProcessId, value: u32) -> Result<(), SourceError> {
    let failed = |errno| SourceError::new("ptrace", ErrorCause::from(errno));
    let id: libc::pid_t = thread.get().try_into().map_err(|_| failed(Errno::SRCH))?;
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: both requests ignore the address, take the argument by value, and access no memory of
    // the caller.
    let result = unsafe { libc::ptrace(request, id, nowhere, libc::c_ulong::from(value)) };
    if result == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(failed(Errno::from_io_error(&error).unwrap_or(Errno::IO)))
}
