//! The input and output of a process, and its open descriptors.

use crate::error::Result;
use crate::io_counters::IoCounters;
use crate::process::Process;
use crate::sys;

impl Process {
    /// Returns how much the process has read and written.
    ///
    /// Source: `PROC/PID/io`; on Windows `ProcessIoCounters`. Cost: cheap, one small file.
    /// Privileges: the process's own user, or `CAP_SYS_PTRACE`; on Windows none.
    ///
    /// ```
    /// let counters = psapi::System::new().current_process()?.io_counters()?;
    /// println!("{} bytes read in {} calls", counters.read, counters.read_calls);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) if the kernel keeps no
    ///   counters.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the parent has reaped the process.
    #[doc(alias = "GetProcessIoCounters")]
    pub fn io_counters(&self) -> Result<IoCounters> {
        sys::io_counters(self.inner()).map_err(|source| self.error("I/O counters", source))
    }

    /// Returns the number of open file descriptors of the process; on Windows of all handles.
    ///
    /// Source on Windows: `ProcessHandleCount`. Privileges: none.
    ///
    /// Source on Linux: the size of the directory `PROC/PID/fd`, which is this number since Linux 6.2. On
    /// older kernels, its entries are counted. Cost: cheap; on older kernels, in proportion to the
    /// number. Privileges: the process's own user, or `CAP_SYS_PTRACE`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) after the process has ended.
    #[doc(alias = "GetProcessHandleCount")]
    pub fn handle_count(&self) -> Result<u64> {
        sys::handle_count(self.inner()).map_err(|source| self.error("open descriptors", source))
    }
}
