//! The end of a process.

use std::time::Duration;

use crate::error::{Operation, Result};
use crate::exit_status::ExitStatus;
use crate::process::Process;
use crate::sys;

impl Process {
    /// Waits until the process has ended, or until the time is over; `None` waits forever.
    ///
    /// Returns true if the process has ended, whether or not its parent has reaped it.
    ///
    /// Source: `poll` on a descriptor of `pidfd_open` (Linux 5.3); on Windows
    /// `NtWaitForSingleObject`. Cost: one descriptor during the call; on Windows none. Privileges:
    /// none.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) before Linux 5.3, or if the
    ///   proc root belongs to another pid namespace.
    /// - [`ErrorKind::Os`](crate::ErrorKind::Os) if no descriptor is available.
    #[doc(alias = "WaitForSingleObject")]
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool> {
        sys::wait(self.inner(), timeout).map_err(|source| self.error(Operation::WAIT, source))
    }

    /// Kills the process. Returns before the process has ended.
    ///
    /// The signal cannot reach a later process with the same id.
    ///
    /// Source: `pidfd_send_signal` with `SIGKILL`; on Windows `NtTerminateProcess` with exit code 1.
    /// Cost: *cheap*. Privileges: the process's own user, or `CAP_KILL`; on Windows the process's
    /// own user, or `SeDebugPrivilege`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) for a kernel thread, before
    ///   Linux 5.3, or if the proc root belongs to another pid namespace.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) after the process has ended.
    #[doc(alias = "TerminateProcess")]
    pub fn terminate(&self) -> Result<()> {
        sys::terminate(self.inner()).map_err(|source| self.error(Operation::TERMINATE, source))
    }

    /// Returns how the process ended; `None` while it runs.
    ///
    /// Linux keeps the status until the parent of the process reaps it, and Windows as long as this
    /// handle exists.
    ///
    /// Source: `stat`; on Windows `ProcessBasicInformation`. Cost: *cheap*. Privileges: none while the process runs; then, on Linux, the
    /// process's own user, or `CAP_SYS_PTRACE`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the parent has reaped the process.
    #[doc(alias = "GetExitCodeProcess")]
    pub fn exit_status(&self) -> Result<Option<ExitStatus>> {
        sys::exit_status(self.inner()).map_err(|source| self.error("exit status", source))
    }
}
