//! The ring buffer that the kernel writes the records of `perf_event` to, mapped into this process.

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use perf_event_open_sys::bindings::perf_event_mmap_page;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// With less room than this left, a record and the one that tells of losses may not have fitted.
const ROOM: u64 = 256;

/// A ring buffer, read by one reader.
#[derive(Debug)]
pub(crate) struct Ring {
    /// A page that holds the reader's and the writer's position, then the data.
    start: NonNull<u8>,
    page: usize,
    size: usize,
}

// SAFETY: the mapping is of this Ring alone until it is dropped, on whichever thread. Of the
// methods that take `&self` none does more than atomic loads.
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Ring {}

impl Ring {
    /// Makes the ring buffer of an event, of `size` bytes: a power of two, and a page at least.
    pub(crate) fn map(event: BorrowedFd<'_>, size: usize) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let length = page.checked_add(size).ok_or(Errno::NOMEM)?;
        // SAFETY: the kernel chooses a place where nothing is.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                event,
                0,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or(Errno::NOMEM)?;
        Ok(Ring { start, page, size })
    }

    /// Whether there is something to read.
    pub(crate) fn has_data(&self) -> bool {
        self.head().load(Ordering::Acquire) != self.tail().load(Ordering::Relaxed)
    }

    /// Moves all that was written to `bytes`, which then holds nothing else, and makes room in the
    /// ring. Tells whether that was so full that something may not have fitted.
    pub(crate) fn take(&mut self, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        // Pairs with the kernel's barrier between writing the records and the position after them.
        let head = self.head().load(Ordering::Acquire);
        let tail = self.tail().load(Ordering::Relaxed);
        let length = head.wrapping_sub(tail).min(self.size as u64);
        let (first, second) = parts(tail, length as usize, self.size);
        for (place, length) in [first, second] {
            // SAFETY: `parts` stays within the `size` bytes of data behind the first page, and the
            // kernel writes to none of those between tail and head.
            let part = unsafe {
                std::slice::from_raw_parts(self.start.as_ptr().add(self.page + place), length)
            };
            bytes.extend_from_slice(part);
        }
        // The kernel writes over what was read only after it sees this.
        self.tail().store(head, Ordering::Release);
        self.size as u64 - length < ROOM
    }

    fn head(&self) -> &AtomicU64 {
        self.position(std::mem::offset_of!(perf_event_mmap_page, data_head))
    }

    fn tail(&self) -> &AtomicU64 {
        self.position(std::mem::offset_of!(perf_event_mmap_page, data_tail))
    }

    fn position(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: both positions are aligned words of the first page, which is mapped for as long
        // as `self` lives; who else uses them, the kernel, does so atomically.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().add(offset).cast()) }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: this was mapped by `map`, and no reference into it outlives `self`.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.page + self.size) };
        debug_assert!(unmapped.is_ok());
    }
}

/// Where the `length` bytes from a position on are in a ring of `size` bytes, a power of two: up to its end, and
/// from its beginning.
fn parts(position: u64, length: usize, size: usize) -> ((usize, usize), (usize, usize)) {
    let place = (position % size as u64) as usize;
    let first = length.min(size - place);
    ((place, first), (0, length - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wraps_is_in_two_parts() {
        assert_eq!(parts(0, 0, 16), ((0, 0), (0, 0)));
        assert_eq!(parts(0, 16, 16), ((0, 16), (0, 0)));
        assert_eq!(parts(24, 8, 16), ((8, 8), (0, 0)));
        assert_eq!(parts(24, 9, 16), ((8, 8), (0, 1)));
        assert_eq!(parts(u64::MAX, 3, 16), ((15, 1), (0, 2)));
    }
}
