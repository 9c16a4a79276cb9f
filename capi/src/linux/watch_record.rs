//! The record of a watched process: page faults that were sampled and not yet delivered.

use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use psapi::{PageFault, WorkingSetWatch};

use crate::user_memory;
use crate::watch_information::{DeliveryError, WatchInformation};
use crate::win32_error::{Result, Win32Error};

/// The record of a process if it is watched, for one thread at a time.
///
/// Other threads do not wait, because the API has an error code for them. So there is only
/// `try_lock`. A forked child can take the lock even if a thread of its parent held it.
pub struct WatchCell {
    /// The id of the process whose thread holds the lock; 0 if the lock is free.
    holder: AtomicU32,
    /// The id of the process that started the record. A forked child cannot use the record, because
    /// the kernel does not copy the ring buffers.
    owner: AtomicU32,
    record: UnsafeCell<Option<WatchRecord>>,
}

// SAFETY: only the thread that holds the lock accesses the record.
unsafe impl Sync for WatchCell {}

/// The lock of a [`WatchCell`].
pub struct WatchGuard<'w>(&'w WatchCell);

impl WatchCell {
    pub fn new() -> Self {
        WatchCell {
            holder: AtomicU32::new(0),
            owner: AtomicU32::new(0),
            record: UnsafeCell::new(None),
        }
    }

    /// Takes the lock. Returns `None` if another thread holds it.
    pub fn try_lock(&self) -> Option<WatchGuard<'_>> {
        let own = std::process::id();
        let take_from = |holder| {
            let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
            self.holder.compare_exchange(holder, own, success, failure)
        };
        match take_from(0) {
            Ok(_) => {}
            Err(holder) if holder == own => return None,
            // A thread of the parent held the lock during the fork. This process has no such
            // thread.
            Err(parent) => {
                take_from(parent).ok()?;
            }
        }
        let guard = WatchGuard(self);
        if self.owner.swap(own, Ordering::Relaxed) != own {
            guard.leak_record();
        }
        Some(guard)
    }
}

impl WatchGuard<'_> {
    pub fn record(&mut self) -> &mut Option<WatchRecord> {
        // SAFETY: the guard holds the lock, and the result borrows the guard exclusively.
        unsafe { &mut *self.0.record.get() }
    }

    /// Removes the record of a parent process without dropping it.
    fn leak_record(&self) {
        // SAFETY: the guard holds the lock, and no reference to the record exists.
        unsafe { self.0.record.get().write(None) };
    }
}

impl Drop for WatchGuard<'_> {
    fn drop(&mut self) {
        self.0.holder.store(0, Ordering::Release);
    }
}

impl Drop for WatchCell {
    fn drop(&mut self) {
        if *self.owner.get_mut() != std::process::id() {
            // In a forked child the buffers are not mapped where the record expects them. Dropping
            // the record could unmap something else.
            // SAFETY: `&mut self` excludes all other accesses.
            unsafe { self.record.get().write(None) };
        }
    }
}

impl fmt::Debug for WatchCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchCell").finish_non_exhaustive()
    }
}

/// Page faults that the caller has not received.
pub struct WatchRecord {
    watch: WorkingSetWatch,
    pending: Vec<PageFault>,
    /// The faults of the latest read. The vector is kept to reuse its memory.
    batch: Vec<PageFault>,
    lost: u64,
}

impl WatchRecord {
    pub fn new(watch: WorkingSetWatch) -> Self {
        WatchRecord {
            watch,
            pending: Vec::new(),
            batch: Vec::new(),
            lost: 0,
        }
    }

    /// Writes all faults since the last delivery to a buffer of `length` bytes, if they fit.
    ///
    /// A buffer of the size that an earlier call returned in [`DeliveryError::TooSmall`] is large
    /// enough, even if more faults happened in between. The new faults stay pending.
    pub fn deliver<T: WatchInformation>(
        &mut self,
        to: *mut T,
        length: usize,
    ) -> Result<(), DeliveryError> {
        let needed = |faults: usize| (faults + 1) * size_of::<T>();
        // New faults are read only if the pending ones fit. Otherwise the pending faults would grow
        // with each call that fails; the kernel's buffers are bounded and count what they lose.
        if self.pending.is_empty() || needed(self.pending.len()) <= length {
            let lost = self.watch.changes_into(&mut self.batch);
            let lost = lost.map_err(|error| Win32Error::from_memory_error(&error))?;
            let total = self.pending.len() + self.batch.len();
            if self.pending.is_empty() || needed(total) <= length {
                self.pending.append(&mut self.batch);
                self.lost += lost;
            } else {
                let delivered = self.flush(to);
                // The new faults stay pending, even if the delivery of the others failed.
                self.pending.append(&mut self.batch);
                self.lost += lost;
                return Ok(delivered?);
            }
        }
        let needed = needed(self.pending.len());
        if needed > length {
            return Err(DeliveryError::TooSmall { needed });
        }
        Ok(self.flush(to)?)
    }

    /// Writes the pending faults and the last entry, and then clears them.
    fn flush<T: WatchInformation>(&mut self, to: *mut T) -> Result<()> {
        let mut entries = Vec::new();
        entries
            .try_reserve_exact(self.pending.len() + 1)
            .map_err(|_| Win32Error::NOT_ENOUGH_MEMORY)?;
        entries.extend(self.pending.iter().map(T::entry));
        entries.push(T::last_entry(self.lost));
        user_memory::write_slice(to, &entries)?;
        self.pending.clear();
        self.lost = 0;
        Ok(())
    }
}
