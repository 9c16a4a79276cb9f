//! Facts about single threads and processes that are known by id alone.

use std::ffi::OsString;

#[cfg(all(target_os = "linux", not(psapi_stub)))]
use crate::error::Operation;
use crate::error::Result;
use crate::process_id::ProcessId;
use crate::sys;
use crate::system::System;

impl System {
    /// Returns the ids of the threads of a process, ascending; `None` if no such process exists.
    ///
    /// Source: the directory names in `PROC/PID/task`; on Windows `SystemProcessInformation`. Cost:
    /// cheap, one small directory. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the directory cannot be read.
    #[doc(alias = "Thread32First")]
    #[doc(alias = "Thread32Next")]
    pub fn thread_ids(&self, process: impl Into<ProcessId>) -> Result<Option<Vec<u32>>> {
        sys::thread_ids(self.inner(), process.into())
            .map_err(|source| self.error("threads", source))
    }

    /// Returns the name of a thread; `None` if no such thread exists.
    ///
    /// On Linux, a program sets this name with `pthread_setname_np`; it has at most 15 bytes. On
    /// Windows, it does so with `SetThreadDescription`, and most threads have an empty name.
    ///
    /// Source: `PROC/PID/task/TID/comm`; on Windows `ThreadNameInformation` (Windows 10). Cost:
    /// cheap, one small file. Privileges: none; on Windows the process's own user, or
    /// `SeDebugPrivilege`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the file cannot be read.
    pub fn thread_name(
        &self,
        process: impl Into<ProcessId>,
        thread: u32,
    ) -> Result<Option<OsString>> {
        sys::thread_name(self.inner(), process.into(), thread)
            .map_err(|source| self.error("name of a thread", source))
    }

    /// Continues a stopped thread that the calling thread traces with `ptrace`. Linux only.
    ///
    /// Delivers a signal to the thread; 0 delivers none.
    ///
    /// The id is that of the caller's pid namespace.
    ///
    /// Source: `PTRACE_CONT`. Cost: one system call. Privileges: none; only the tracer of a thread
    /// can continue it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the thread is not traced by the caller, is not
    /// stopped, or has ended, and for an invalid signal.
    #[cfg(all(target_os = "linux", not(psapi_stub)))]
    pub fn continue_traced_thread(&self, thread: impl Into<ProcessId>, signal: u32) -> Result<()> {
        sys::continue_thread(thread.into(), signal)
            .map_err(|source| self.error(Operation::CONTINUE_THREAD, source))
    }

    /// Leaves a thread stopped that the calling thread traces with `ptrace`, until its process
    /// receives SIGCONT. Linux only.
    ///
    /// A signal such as SIGSTOP has stopped the process, and the tracer used `PTRACE_SEIZE`. The
    /// tracer is notified when SIGCONT arrives. The id is that of the caller's pid namespace.
    ///
    /// Source: `PTRACE_LISTEN`. Cost: one system call. Privileges: none; only the tracer of a
    /// thread can do this.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the thread is not traced by the caller, is not
    /// stopped in this way, or has ended.
    #[cfg(all(target_os = "linux", not(psapi_stub)))]
    pub fn keep_traced_thread_stopped(&self, thread: impl Into<ProcessId>) -> Result<()> {
        sys::listen(thread.into()).map_err(|source| self.error(Operation::KEEP_STOPPED, source))
    }
}
