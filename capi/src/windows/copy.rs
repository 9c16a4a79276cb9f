//! Copies between the library's memory and the caller's.
//!
//! `ReadProcessMemory` on the own process checks both sides of a copy, so it serves both
//! directions. `WriteProcessMemory` does not: it also writes to read-only memory.

use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use crate::win32_error::{Result, Win32Error};

/// Copies memory of this library at `own`, which must be valid for `length` bytes, to unchecked
/// memory of the caller.
pub fn to_caller(own: usize, callers: usize, length: usize) -> Result<()> {
    copy(own, callers, length)
}

/// Copies unchecked memory of the caller to memory of this library at `own`, which must be writable
/// for `length` bytes.
pub fn from_caller(own: usize, callers: usize, length: usize) -> Result<()> {
    copy(callers, own, length)
}

fn copy(from: usize, to: usize, length: usize) -> Result<()> {
    if length == 0 {
        return Ok(());
    }
    let mut copied = 0;
    // SAFETY: the kernel checks both ranges. One of them is memory of this library that is valid
    // for the copy; the caller passed the other to be read or written.
    let succeeded = unsafe {
        ReadProcessMemory(
            GetCurrentProcess(),
            std::ptr::with_exposed_provenance(from),
            std::ptr::with_exposed_provenance_mut(to),
            length,
            &mut copied,
        )
    };
    if succeeded != 0 && copied == length {
        Ok(())
    } else {
        Err(Win32Error::NOACCESS)
    }
}
