//! A watch on the page faults of a process.

use std::time::Duration;

use super::page_fault::{PageChanges, PageFault};
use crate::error::{Error, Operation, Result, SourceError};
use crate::process_id::ProcessId;
use crate::sys;

/// A watch on the page faults of a process. Returned by
/// [`Process::watch_working_set`](crate::Process::watch_working_set).
///
/// The watch ends when the value is dropped. The value can be sent to and used from any thread.
#[derive(Debug)]
#[doc(alias = "InitializeProcessForWsWatch")]
pub struct WorkingSetWatch {
    process: ProcessId,
    faults: sys::FaultWatch,
}

impl WorkingSetWatch {
    pub(crate) fn new(process: ProcessId, faults: sys::FaultWatch) -> Self {
        WorkingSetWatch { process, faults }
    }

    #[cfg(all(target_os = "linux", not(psapi_stub)))]
    pub(crate) fn inner(&self) -> &sys::FaultWatch {
        &self.faults
    }

    fn error(&self, source: SourceError) -> Error {
        let operation = Operation::WATCH_WORKING_SET;
        let remedy = sys::remedy(None, operation, &source, Some(self.process));
        Error::new(operation, Some(self.process), source, remedy)
    }

    /// Returns the faults since the previous call, or since the watch began.
    ///
    /// Cost: proportional to the number of faults. The watched process pays for the recording.
    /// Before Linux 6.0, a call that notices lost faults waits some milliseconds, until the kernel
    /// has counted all of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if a buffer contains invalid records.
    /// The end of the process is not an error: faults recorded until then are still returned.
    #[doc(alias = "GetWsChanges")]
    #[doc(alias = "GetWsChangesEx")]
    pub fn changes(&mut self) -> Result<PageChanges> {
        let mut faults = Vec::new();
        let lost = self.changes_into(&mut faults)?;
        Ok(PageChanges { faults, lost })
    }

    /// Replaces the content of a buffer with the faults since the previous call. Returns the number
    /// of lost faults.
    ///
    /// Works as [`changes`](Self::changes), but reuses memory.
    ///
    /// # Errors
    ///
    /// The errors of [`changes`](Self::changes).
    pub fn changes_into(&mut self, faults: &mut Vec<PageFault>) -> Result<u64> {
        self.faults
            .take(faults)
            .map_err(|source| self.error(source))
    }

    /// Waits until there are faults to fetch, or the process has ended. Returns `false` at the
    /// timeout.
    ///
    /// A single fault is noticed within 50 ms. On Linux, many faults at once are noticed
    /// immediately.
    ///
    /// # Errors
    ///
    /// Fails only if the operating system refuses to wait, for a reason outside of this call.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
        self.faults
            .wait(timeout)
            .map_err(|source| self.error(source))
    }

    /// Returns true if the process has ended. The faults until then can still be fetched, once.
    ///
    /// # Errors
    ///
    /// Fails only if the operating system refuses the check, for a reason outside of this call.
    pub fn has_ended(&self) -> Result<bool> {
        self.faults.has_ended().map_err(|source| self.error(source))
    }

    /// Returns the id of the watched process.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Returns true if faults inside system calls are left out, because the caller lacks
    /// `CAP_PERFMON` and `kernel.perf_event_paranoid` is 2 or more. Linux only.
    #[cfg(not(windows))]
    pub fn is_user_only(&self) -> bool {
        self.faults.is_user_only()
    }

    /// Returns the size of each CPU's ring buffer, in bytes. It can be smaller than requested; see
    /// [`WatchOptions::buffer_size`](crate::WatchOptions::buffer_size). Linux only.
    #[cfg(not(windows))]
    pub fn buffer_size(&self) -> usize {
        self.faults.buffer_size()
    }
}
