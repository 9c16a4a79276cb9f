//! Conversions from the 64-bit numbers of the crate `psapi` to the types of the API, which have 32
//! bits or the size of a pointer. A number that is too large becomes the largest of the type.

use std::ffi::c_void;

use crate::types::{DWORD, SIZE_T};

/// Converts an address in another process. The pointer is never dereferenced here.
pub fn to_pointer(address: u64) -> *mut c_void {
    std::ptr::without_provenance_mut(to_size(address))
}

/// Converts a number of bytes, pages or items.
pub fn to_size(number: u64) -> SIZE_T {
    number.try_into().unwrap_or(SIZE_T::MAX)
}

/// Converts a number for which the API has 32 bits on every architecture.
pub fn to_dword(number: u64) -> DWORD {
    number.try_into().unwrap_or(DWORD::MAX)
}
