//! Starts the record of a process, and delivers what it holds.
//!
//! The system keeps the record. All handles of a process share it, in every program.

use psapi::RecordedFaults;

use crate::user_memory;
use crate::watch_information::{DeliveryError, WatchInformation};
use crate::win32_error::{Result, Win32Error};
use crate::windows::copy;
use crate::windows::handles::Target;

/// Starts to record the page faults of a process. Replaces an existing record by an empty one.
pub fn start(target: &Target) -> Result<()> {
    let watch = target.process.watch_working_set();
    watch.map_err(|error| Win32Error::from_memory_error(&error))?;
    Ok(())
}

/// Writes all faults since the last delivery to a buffer of `length` bytes, if they fit.
pub fn deliver<T: WatchInformation>(
    target: &Target,
    to: *mut T,
    length: usize,
) -> Result<(), DeliveryError> {
    let capacity = length / size_of::<T>();
    // Faults that are taken but cannot be delivered would be lost.
    check_writable(to.addr(), length)?;
    let recorded = target.process.recorded_faults(capacity);
    let changes = match recorded.map_err(|error| Win32Error::from_memory_error(&error))? {
        RecordedFaults::Taken(changes) => changes,
        RecordedFaults::TooMany(count) => {
            let count = count.and_then(|count| usize::try_from(count).ok());
            let entries = count.map_or(capacity.max(1).saturating_mul(2), |count| count + 1);
            let needed = entries.saturating_mul(size_of::<T>());
            return Err(DeliveryError::TooSmall { needed });
        }
    };
    let mut entries: Vec<T> = changes.faults.iter().map(T::entry).collect();
    entries.push(T::last_entry(changes.lost));
    Ok(user_memory::write_slice(to, &entries)?)
}

/// Fails if part of a buffer of the caller cannot be written. Its content stays the same.
fn check_writable(address: usize, length: usize) -> Result<()> {
    let mut chunk = [0u8; 4096];
    let own = chunk.as_mut_ptr().expose_provenance();
    let mut done = 0;
    while done < length {
        let size = (length - done).min(chunk.len());
        let callers = address.checked_add(done).ok_or(Win32Error::NOACCESS)?;
        copy::from_caller(own, callers, size)?;
        copy::to_caller(own, callers, size)?;
        done += size;
    }
    Ok(())
}
