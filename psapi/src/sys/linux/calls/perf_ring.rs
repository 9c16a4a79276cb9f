//! The ring buffer of a `perf_event`, mapped into this process: the kernel writes records to it.

use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use perf_event_open_sys::bindings::perf_event_mmap_page;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The name of the ring buffer, for error messages.
pub(crate) const SOURCE: &str = "perf_event ring buffer";

/// The number of free bytes below which records might have been lost: enough for one record and the
/// kernel's record about losses.
const MIN_FREE: u64 = 256;

/// A ring buffer with a single reader.
#[derive(Debug)]
pub(crate) struct Ring {
    /// The control page with the reader's and the writer's position. The data follows it.
    start: NonNull<u8>,
    page: usize,
    size: usize,
}

// SAFETY: the mapping belongs to this value alone until drop, and is not bound to a thread.
unsafe impl Send for Ring {}
// SAFETY: methods that take `&self` only do atomic loads of the control page.
unsafe impl Sync for Ring {}

impl Ring {
    /// Maps the ring buffer of an event. `size` is a power of two of at least one page, in bytes.
    pub(crate) fn map(event: BorrowedFd<'_>, size: usize) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let length = page.checked_add(size).ok_or(Errno::NOMEM)?;
        // SAFETY: the address is null, so the kernel picks an unused range.
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

    /// Returns true if the ring contains records.
    pub(crate) fn has_data(&self) -> bool {
        self.head().load(Ordering::Acquire) != self.tail().load(Ordering::Relaxed)
    }

    /// Replaces the content of `bytes` with the content of the ring, and empties the ring. Returns
    /// true if the ring was so full that a record might not have fitted.
    pub(crate) fn take(&mut self, bytes: &mut Vec<u8>) -> bool {
        bytes.clear();
        // Acquire: pairs with the kernel's barrier between writing records and advancing
        // `data_head`.
        let head = self.head().load(Ordering::Acquire);
        let tail = self.tail().load(Ordering::Relaxed);
        let length = head.wrapping_sub(tail).min(self.size as u64);
        let (first, second) = parts(tail, length as usize, self.size);
        for (offset, length) in [first, second] {
            // SAFETY: `parts` returns ranges within the `size` bytes of data after the control
            // page. The kernel does not write between `data_tail` and `data_head`.
            let part = unsafe {
                std::slice::from_raw_parts(self.start.as_ptr().add(self.page + offset), length)
            };
            bytes.extend_from_slice(part);
        }
        // Release: the kernel overwrites the data only after it sees the new tail.
        self.tail().store(head, Ordering::Release);
        self.size as u64 - length < MIN_FREE
    }

    fn head(&self) -> &AtomicU64 {
        self.position(std::mem::offset_of!(perf_event_mmap_page, data_head))
    }

    fn tail(&self) -> &AtomicU64 {
        self.position(std::mem::offset_of!(perf_event_mmap_page, data_tail))
    }

    fn position(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: `data_head` and `data_tail` are aligned `u64` fields of the control page, which
        // stays mapped while `self` lives. The kernel accesses them atomically.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().add(offset).cast()) }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the range is exactly the mapping made in `map`, and no reference into it outlives
        // `self`.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.page + self.size) };
        debug_assert!(unmapped.is_ok());
    }
}

/// Returns the offset and length of both parts of `length` bytes at a position: up to the end of
/// the ring, and from its beginning. `size`, the size of the ring, is a power of two.
fn parts(position: u64, length: usize, size: usize) -> ((usize, usize), (usize, usize)) {
    let offset = (position % size as u64) as usize;
    let first = length.min(size - offset);
    ((offset, first), (0, length - first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_data_has_two_parts() {
        assert_eq!(parts(0, 0, 16), ((0, 0), (0, 0)));
        assert_eq!(parts(0, 16, 16), ((0, 16), (0, 0)));
        assert_eq!(parts(24, 8, 16), ((8, 8), (0, 0)));
        assert_eq!(parts(24, 9, 16), ((8, 8), (0, 1)));
        assert_eq!(parts(u64::MAX, 3, 16), ((15, 1), (0, 2)));
    }
}
