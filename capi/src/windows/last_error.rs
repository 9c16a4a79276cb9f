//! The last error of the calling thread, which the system keeps.

use windows_sys::Win32::Foundation::{GetLastError, SetLastError};

pub fn get() -> u32 {
    // SAFETY: the function has no preconditions.
    unsafe { GetLastError() }
}

pub fn set(code: u32) {
    // SAFETY: the function has no preconditions.
    unsafe { SetLastError(code) }
}
