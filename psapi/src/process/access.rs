//! The caller's rights to a process.

use crate::access::Access;
use crate::error::Result;
use crate::process::Process;
use crate::sys;

impl Process {
    /// Returns the rights to the process that the kernel would grant the caller now.
    ///
    /// Programs can check the rights before they start an operation. For a kernel thread or an
    /// ended process, which has no address space, the result is the same as if it had one.
    ///
    /// Source on Windows: attempts to open the process with each right, or the rights of the handle
    /// that the caller gave. Source on Linux: attempts to open `PROC/PID/maps`, to call `process_madvise` on an empty range, and
    /// to send no signal with `kill`. Without an address space, `PROC/PID/exe` replaces `maps`.
    /// Cost: *cheap*, a few system calls. Privileges: none.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// assert_eq!(me.access()?, psapi::Access::all());
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if no descriptor is available.
    #[doc(alias = "OpenProcess")]
    pub fn access(&self) -> Result<Access> {
        sys::access(self.inner()).map_err(|source| self.error("access", source))
    }
}
