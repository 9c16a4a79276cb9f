//! Memory that the kernel itself cannot read, from `memfd_secret` (Linux 5.14).

use std::os::fd::{FromRawFd as _, OwnedFd};

use rustix::io::Errno;

/// Creates an empty file of such memory.
pub(crate) fn memfd_secret() -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes a number and accesses no memory of the process.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    match i32::try_from(fd) {
        // SAFETY: the call succeeded, so this is a new descriptor that nothing else owns.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}
