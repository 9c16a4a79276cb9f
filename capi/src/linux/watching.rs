//! Starts the record of a process, and delivers what it holds.

use std::thread;

use crate::linux::handle_table::Target;
use crate::linux::watch_record::WatchRecord;
use crate::watch_information::{DeliveryError, WatchInformation};
use crate::win32_error::{Result, Win32Error};

/// Starts to record the page faults of a process. Replaces an existing record by an empty one.
pub fn start(target: &Target) -> Result<()> {
    let watch = target
        .process
        .watch_working_set()
        .map_err(|error| Win32Error::from_memory_error(&error))?;
    let record = WatchRecord::new(watch);
    let mut guard = loop {
        match target.watch.try_lock() {
            Some(guard) => break guard,
            // Other threads hold the lock only briefly.
            None => thread::yield_now(),
        }
    };
    let previous = guard.record().replace(record);
    // Dropping a record unmaps its buffers, which must not prolong the lock.
    drop(guard);
    drop(previous);
    Ok(())
}

/// Writes all faults since the last delivery to a buffer of `length` bytes, if they fit.
pub fn deliver<T: WatchInformation>(
    target: &Target,
    to: *mut T,
    length: usize,
) -> Result<(), DeliveryError> {
    let mut guard = target.watch.try_lock().ok_or(Win32Error::NO_MORE_ITEMS)?;
    let record = guard.record().as_mut();
    let record = record.ok_or(Win32Error::INVALID_PARAMETER)?;
    record.deliver(to, length)
}
