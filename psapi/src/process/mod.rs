//! A handle to one process, and its methods.
//!
//! This file defines the type and opens processes. Each topic has a file of its own:
//!
//! - `status`: state, image, arguments, control groups
//! - `memory`: counters
//! - `access`: the caller's rights
//! - `lifetime`: waiting for the end, causing it, and the exit status
//! - `io`: input and output, open descriptors
//! - `read_memory`: the contents of memory
//! - `mappings`, `modules`, `address_map`: the address space
//! - `working_set`, `query_pages`: pages in memory
//! - `watch`: page faults
//! - `empty`: eviction

mod access;
mod address_map;
mod empty;
mod io;
mod lifetime;
mod mappings;
mod memory;
mod modules;
mod query_pages;
mod read_memory;
mod status;
mod watch;
mod working_set;

use crate::error::{Error, Operation, Result, SourceError};
use crate::process_id::ProcessId;
use crate::sys;
use crate::system::System;

/// One process, pinned: a handle to the process that had the id when the handle was opened.
///
/// Once that process has ended, the handle's methods fail with
/// [`ErrorKind::Ended`](crate::ErrorKind::Ended). They never return data about a later process with
/// the same id.
///
/// On Linux, a handle holds one descriptor, and a second one after the first call of
/// [`mapped_file`](Self::mapped_file). On Windows, it holds a handle for each set of rights that was
/// needed. It can be used from any thread.
///
/// ```
/// let me = psapi::System::new().current_process()?;
/// let counters = me.memory_counters()?;
/// println!("{} bytes of {} are in memory", counters.working_set, counters.virtual_size);
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug)]
pub struct Process(sys::Process);

impl System {
    /// Opens the process that has an id now.
    ///
    /// The handle stands for that process alone: once the process has ended, the handle's methods
    /// fail, even if another process has the id.
    ///
    /// Source: `PROC/PID`, held open, and `status`. Cost: *status*, and one descriptor until the
    /// handle is dropped. Privileges: none.
    ///
    /// Source on Windows: `NtOpenProcess` with `PROCESS_QUERY_LIMITED_INFORMATION`. An open handle
    /// keeps the id from being reused. Methods that need more rights open further handles, which
    /// are kept. Privileges: the process's own user, or `SeDebugPrivilege`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NoSuchProcess`](crate::ErrorKind::NoSuchProcess) if no process has the id.
    ///   The ids of threads are not ids of processes. If the process [might be
    ///   hidden](Self::may_hide_processes), the error has a remedy.
    /// - [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) if the proc root contains no process.
    #[doc(alias = "OpenProcess")]
    pub fn process(&self, id: impl Into<ProcessId>) -> Result<Process> {
        let id = id.into();
        sys::open_process(self.inner(), id)
            .map(Process)
            .map_err(|source| process_error(self.inner(), Operation::OPEN_PROCESS, id, source))
    }

    /// Opens the calling process, by the id that this system's proc root has for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchProcess`](crate::ErrorKind::NoSuchProcess) if the proc root belongs to
    /// another pid namespace that does not contain the caller.
    #[doc(alias = "GetCurrentProcess")]
    pub fn current_process(&self) -> Result<Process> {
        sys::open_current(self.inner())
            .map(Process)
            .map_err(|source| self.error(Operation::OPEN_CURRENT_PROCESS, source))
    }
}

#[cfg(all(windows, not(psapi_stub)))]
impl System {
    /// Returns the process of a handle that another part of the program opened. Windows only.
    ///
    /// The result has a handle of its own, with the same rights, and opens no other: a method fails
    /// with [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) if it needs a right that
    /// the handle lacks. The pseudo handle of the current process has all rights.
    ///
    /// Source: `NtDuplicateObject` and `ProcessBasicInformation`. Cost: cheap, two system calls.
    /// Rights: `PROCESS_QUERY_LIMITED_INFORMATION`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if the handle is not
    ///   open, or not a handle of a process.
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) if the handle lacks the right.
    pub fn process_from_handle(&self, handle: sys::BorrowedHandle<'_>) -> Result<Process> {
        sys::process_from_handle(self.inner(), handle)
            .map(Process)
            .map_err(|source| self.error(Operation::OPEN_HANDLE, source))
    }
}

impl Process {
    /// Returns the id that the process has, or had before it ended.
    pub fn id(&self) -> ProcessId {
        self.0.id()
    }

    pub(crate) fn inner(&self) -> &sys::Process {
        &self.0
    }

    /// Returns the system that the process was opened in.
    #[cfg(feature = "symbols")]
    pub(crate) fn system(&self) -> System {
        System::from_inner(self.0.system().clone())
    }

    /// Creates the error for a failed operation on this process.
    pub(crate) fn error(&self, operation: impl Into<Operation>, source: SourceError) -> Error {
        process_error(self.0.system(), operation.into(), self.id(), source)
    }
}

fn process_error(
    system: &sys::System,
    operation: Operation,
    id: ProcessId,
    source: SourceError,
) -> Error {
    let remedy = sys::remedy(Some(system), operation, &source, Some(id));
    Error::new(operation, Some(id), source, remedy)
}
