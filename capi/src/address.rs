//! Numbers of the library as the API has them: 64 bits there, as many as a pointer has or 32 here.
//! What is too large for its place is the largest that there is.

use std::ffi::c_void;

use crate::types::{DWORD, SIZE_T};

/// An address in another process.
pub fn pointer(address: u64) -> *mut c_void {
    std::ptr::without_provenance_mut(size(address))
}

pub fn size(bytes: u64) -> SIZE_T {
    bytes.try_into().unwrap_or(SIZE_T::MAX)
}

pub fn narrow(number: u64) -> DWORD {
    number.try_into().unwrap_or(DWORD::MAX)
}
