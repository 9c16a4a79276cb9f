//! The functions of `windows.h` that programs call around the Process Status API.

pub mod image_name;
pub mod local;
pub mod message;
pub mod module;
mod ranges;
pub mod reservations;
pub mod system_info;
pub mod time;
pub mod virtual_memory;

use std::sync::Arc;

use crate::boundary::Answer;
use crate::handles::{Target, current, resolve};

/// The caller's own process.
fn own_process() -> Answer<Arc<Target>> {
    resolve(current(), 0)
}

#[cfg(test)]
pub mod tests {
    use std::ffi::c_void;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// An address where nothing is mapped, and nothing will be by another thread of the tests: far
    /// from where the kernel puts what has no place of its own, beyond what AddressSanitizer has for
    /// itself, and each time another one.
    pub fn unused() -> *mut c_void {
        const FIRST: usize = 0x2000_0000_0000;
        const APART: usize = 1 << 31;
        static NEXT: AtomicUsize = AtomicUsize::new(FIRST);
        std::ptr::without_provenance_mut(NEXT.fetch_add(APART, Ordering::Relaxed))
    }

    /// Memory with nothing behind its end.
    pub struct Pages {
        start: *mut c_void,
        size: usize,
    }

    impl Pages {
        /// So many pages that can be read and written.
        pub fn new(count: usize) -> Self {
            let size = count * crate::system::page_size() as usize;
            // SAFETY: nothing that is there is replaced.
            let start = unsafe {
                libc::mmap(
                    unused(),
                    size,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
                    -1,
                    0,
                )
            };
            assert_ne!(start, libc::MAP_FAILED);
            Pages { start, size }
        }

        pub fn at(&self, offset: usize) -> *mut c_void {
            self.start.wrapping_byte_add(offset)
        }

        pub fn put(&self, offset: usize, bytes: &[u8]) {
            assert!(offset + bytes.len() <= self.size);
            // SAFETY: there is room for so many.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(offset).cast(), bytes.len());
            }
        }

        pub fn protect(&self, protection: i32) {
            // SAFETY: it is the memory of this test.
            let done = unsafe { libc::mprotect(self.start, self.size, protection) };
            assert_eq!(done, 0);
        }
    }

    impl Drop for Pages {
        fn drop(&mut self) {
            // SAFETY: it is what `new` has mapped.
            unsafe { libc::munmap(self.start, self.size) };
        }
    }

    /// What `/proc/self/maps` says of an address: `rw-p` and so on.
    pub fn permissions(at: *const c_void) -> Option<String> {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().find_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            (number(start)..number(end))
                .contains(&at.addr())
                .then(|| rest[..4].to_owned())
        })
    }
}
