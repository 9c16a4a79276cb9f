//! A page of a file, mapped into the calling process.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

/// A page of the calling process that maps the start of a file. It is unmapped on drop.
///
/// The page is never accessed, so the file can be empty, and reading it cannot block.
#[derive(Debug)]
pub(crate) struct MappedPage {
    address: *mut std::ffi::c_void,
    size: usize,
}

impl MappedPage {
    /// Maps the start of a file that is open for reading.
    pub(crate) fn new(file: BorrowedFd<'_>) -> Result<Self, Errno> {
        let size = rustix::param::page_size();
        // SAFETY: without `MAP_FIXED`, the kernel chooses an address at which nothing is mapped.
        let address = unsafe {
            rustix::mm::mmap(
                std::ptr::null_mut(),
                size,
                ProtFlags::READ,
                MapFlags::PRIVATE,
                file,
                0,
            )
        }?;
        Ok(MappedPage { address, size })
    }

    pub(crate) fn address(&self) -> u64 {
        self.address.addr() as u64
    }
}

impl Drop for MappedPage {
    fn drop(&mut self) {
        // SAFETY: `new` mapped exactly this range, and `address` is the only way to it, as a
        // number. No reference into the page exists.
        let _ = unsafe { rustix::mm::munmap(self.address, self.size) };
    }
}
