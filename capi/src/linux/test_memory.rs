//! Mappings for the unit tests, at addresses that no other test uses.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Returns an unmapped address, a different one in each call.
///
/// No other thread of the tests maps memory there: it is far from where the kernel puts mappings
/// without a requested address, and above the regions of AddressSanitizer.
pub fn unused_address() -> *mut c_void {
    const FIRST: usize = 0x2000_0000_0000;
    const SPACING: usize = 1 << 31;
    static NEXT: AtomicUsize = AtomicUsize::new(FIRST);
    std::ptr::without_provenance_mut(NEXT.fetch_add(SPACING, Ordering::Relaxed))
}

/// A private anonymous mapping that is followed by unmapped memory.
pub struct Pages {
    start: *mut c_void,
    size: usize,
}

impl Pages {
    /// Maps `count` readable and writable pages.
    pub fn new(count: usize) -> Self {
        let size = count * crate::linux::machine::page_size() as usize;
        // SAFETY: `MAP_FIXED_NOREPLACE` replaces no existing mapping.
        let start = unsafe {
            libc::mmap(
                unused_address(),
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
        // SAFETY: the assertion keeps the destination inside the mapping, which no reference
        // covers.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at(offset).cast(), bytes.len());
        }
    }

    pub fn protect(&self, protection: i32) {
        // SAFETY: the mapping belongs to this value, and no reference covers it.
        let result = unsafe { libc::mprotect(self.start, self.size, protection) };
        assert_eq!(result, 0);
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: `new` mapped this range, and no reference covers it.
        unsafe { libc::munmap(self.start, self.size) };
    }
}

/// Returns the permissions of the mapping at an address as in `/proc/self/maps`, such as `rw-p`.
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
