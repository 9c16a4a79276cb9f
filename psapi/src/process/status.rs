//! The status of a process: its state, image, arguments and control groups.

#[cfg(all(target_os = "linux", not(psapi_stub)))]
use crate::cgroup::Cgroup;
use crate::command_line::CommandLine;
use crate::error::Result;
use crate::fields::Fields;
use crate::process::Process;
use crate::status::{ImageFile, ProcessStatus};
use crate::sys;

impl Process {
    /// Returns the status of the process, as [`System::capture`](crate::System::capture) does for
    /// all processes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the parent has reaped the process. Data
    /// that the caller cannot read is not an error; see [`ProcessStatus::unreadable`].
    pub fn status(&self, fields: Fields) -> Result<ProcessStatus> {
        sys::status(self.inner(), fields).map_err(|source| self.error("status", source))
    }

    /// Returns true if the process has ended, whether or not its parent has reaped it.
    ///
    /// Source: `stat`; on Windows `NtWaitForSingleObject`. Cost: *cheap*. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if `stat` does not parse.
    pub fn has_ended(&self) -> Result<bool> {
        sys::has_ended(self.inner()).map_err(|source| self.error("state", source))
    }

    /// Returns the file that the process runs; `None` for kernel threads.
    ///
    /// Source: the link `exe`; on Windows `ProcessImageFileName` and `ProcessImageFileNameWin32`.
    /// Cost: *image*. Privileges: the process's own user, or `CAP_SYS_PTRACE`; on Windows none.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    #[doc(alias = "GetProcessImageFileName")]
    #[doc(alias = "QueryFullProcessImageName")]
    pub fn image_file(&self) -> Result<Option<ImageFile>> {
        sys::image_file(self.inner()).map_err(|source| self.error("image file", source))
    }

    /// Returns the arguments of the process; empty for kernel threads and zombies.
    ///
    /// Source: `cmdline`; on Windows `ProcessCommandLineInformation`, or before Windows 8.1 the `PEB`
    /// in the process's memory. Cost: one small file, in the process's own memory. Privileges: none;
    /// reading the `PEB` requires `PROCESS_VM_READ`.
    ///
    /// On Linux, if the arguments are not in RAM, the kernel faults their pages in. If those pages are backed
    /// by a file on a network file system that does not respond, this call blocks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the parent has reaped the process.
    pub fn command_line(&self) -> Result<CommandLine> {
        sys::command_line(self.inner()).map_err(|source| self.error("command line", source))
    }

    /// Returns the control groups of the process. Linux only.
    ///
    /// Source: `cgroup`. Cost: one small file. Privileges: none.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) if the kernel has no control
    ///   groups.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the parent has reaped the process.
    #[cfg(all(target_os = "linux", not(psapi_stub)))]
    pub fn cgroup(&self) -> Result<Cgroup> {
        sys::cgroup(self.inner()).map_err(|source| self.error("control groups", source))
    }
}
