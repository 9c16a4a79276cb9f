//! The page faults of a process, as the kernel records them for `ProcessWorkingSetWatchEx`.
//!
//! The kernel has one record for each process. It is empty after a query that fetched all of it,
//! and unchanged after one whose buffer was too small. Nothing signals a new fault, so waiting asks
//! from time to time.

use std::os::windows::io::{AsHandle as _, OwnedHandle};
use std::thread;
use std::time::{Duration, Instant};

use super::buffer::Buffer;
use super::class::ProcessClass;
use super::layouts::process_ws_watch_information as record;
use super::layouts::reader::Width;
use super::nt::{self, Answer};
use super::process::{Process, Rights};
use super::status::Status;
use crate::error::SourceError;
use crate::process_id::ProcessId;
use crate::working_set::{PageFault, WatchOptions};

/// How long a wait sleeps before it asks again.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

const CLASS: ProcessClass = ProcessClass::ProcessWorkingSetWatchEx;

/// A watch on the page faults of a process.
#[derive(Debug)]
pub(crate) struct FaultWatch {
    process: ProcessId,
    /// Opened with [`Rights::WATCH`].
    handle: OwnedHandle,
    /// A handle that can be waited for.
    waitable: OwnedHandle,
    buffer: Buffer,
    /// Faults that a wait has fetched from the kernel, and the number of lost ones.
    fetched: Vec<PageFault>,
    lost: u64,
}

/// Starts to record the page faults of a process, or empties its record.
pub(crate) fn watch(process: &Process, _: &WatchOptions) -> Result<FaultWatch, SourceError> {
    let handle = process.handle(Rights::WATCH)?;
    process.check_alive(CLASS.set_call())?;
    nt::set_process(handle, CLASS, &mut [])
        .check()
        .map_err(|status| process.error(CLASS.set_call(), status))?;
    let duplicate =
        |handle| nt::duplicate(handle).map_err(|status| status.error("NtDuplicateObject"));
    Ok(FaultWatch {
        process: process.id(),
        handle: duplicate(handle)?,
        waitable: duplicate(process.limited())?,
        buffer: Buffer::default(),
        fetched: Vec::new(),
        lost: 0,
    })
}

impl FaultWatch {
    /// Replaces the content of a buffer with the faults since the previous call. Returns the number
    /// of faults that were lost since then.
    pub(crate) fn take(&mut self, faults: &mut Vec<PageFault>) -> Result<u64, SourceError> {
        self.fetch()?;
        faults.clear();
        faults.append(&mut self.fetched);
        Ok(std::mem::take(&mut self.lost))
    }

    /// Waits until there are faults, or the process has ended. Returns `false` at the timeout.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> Result<bool, SourceError> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            self.fetch()?;
            if !self.fetched.is_empty() || self.lost > 0 || self.has_ended()? {
                return Ok(true);
            }
            let mut pause = POLL_INTERVAL;
            if let Some(deadline) = deadline {
                let remaining = deadline.saturating_duration_since(Instant::now());
                if remaining.is_zero() {
                    return Ok(false);
                }
                pause = pause.min(remaining);
            }
            thread::sleep(pause);
        }
    }

    /// Returns true if the process has ended.
    pub(crate) fn has_ended(&self) -> Result<bool, SourceError> {
        match nt::wait(self.waitable.as_handle(), Some(0)) {
            Status::SUCCESS => Ok(true),
            Status::TIMEOUT => Ok(false),
            status => Err(status.error("NtWaitForSingleObject")),
        }
    }

    /// Fetches what the kernel has recorded.
    fn fetch(&mut self) -> Result<(), SourceError> {
        let handle = self.handle.as_handle();
        let filled = self.buffer.fill(|bytes| {
            let Answer { status, length } = nt::query_process(handle, CLASS, bytes);
            let length = match status.is_too_short() {
                true => length,
                // The last entry ends the list, whether or not the system reports a length.
                false => bytes.len(),
            };
            Answer { status, length }
        });
        let recorded = filled.map(|bytes| record::parse(bytes, Width::NATIVE));
        let (faults, lost) = match recorded {
            Ok(recorded) => recorded,
            // Another thread or program fetches the record at this moment.
            Err(Status::NO_MORE_ENTRIES) => return Ok(()),
            // Nothing is recorded after the end, and older records are gone.
            Err(_) if self.has_ended()? => return Ok(()),
            Err(status) => return Err(status.error(CLASS)),
        };
        let process = self.process;
        self.fetched
            .extend(faults.into_iter().map(|fault| PageFault {
                program_counter: fault.program_counter,
                address: fault.address,
                process,
                thread: fault.thread,
            }));
        self.lost = self.lost.saturating_add(lost);
        Ok(())
    }
}

#[cfg(all(test, standin))]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sys::windows::process::open_current;
    use crate::sys::windows::system::{System, SystemOptions};

    /// The stand-in records 4,096 faults, which takes more than the first size of a buffer.
    #[test]
    fn faults_beyond_record_are_lost() {
        let process = open_current(&Arc::new(System::new(SystemOptions::default()))).unwrap();
        let mut watch = watch(&process, &WatchOptions::new()).unwrap();
        // The record is not bound to the value that the watch was started with.
        drop(process);
        let memory = vec![1_u8; 32 << 20];
        let mut faults = Vec::new();
        let lost = watch.take(&mut faults).unwrap();
        assert_eq!(faults.len(), 4096);
        assert!(lost >= 4096 - 64, "{lost}");
        assert_eq!(watch.take(&mut faults).unwrap(), 0);
        drop(memory);
    }
}
