//! Copies to and from the caller's memory.
//!
//! The kernel does the copying, as between two processes. So a pointer to unmapped or read-only
//! memory is an error ([`Win32Error::NOACCESS`]) instead of a crash.

use std::mem::MaybeUninit;

use crate::platform::copy;
use crate::types::PSAPI_WORKING_SET_EX_INFORMATION;
use crate::win32_error::{Result, Win32Error};

/// A type for which every bit pattern is a valid value.
///
/// # Safety
///
/// Every initialized bit pattern must be a valid value of the type.
pub unsafe trait AnyBitPattern: Copy {}

// SAFETY: every bit pattern is a valid integer.
unsafe impl AnyBitPattern for u8 {}
// SAFETY: every bit pattern is a valid integer.
unsafe impl AnyBitPattern for i8 {}
// SAFETY: every bit pattern is a valid integer.
unsafe impl AnyBitPattern for u16 {}
// SAFETY: every bit pattern is a valid integer.
unsafe impl AnyBitPattern for u32 {}
// SAFETY: the fields are a raw pointer and an integer, for which every bit pattern is valid.
unsafe impl AnyBitPattern for PSAPI_WORKING_SET_EX_INFORMATION {}

/// Writes a value.
pub fn write<T: Copy>(to: *mut T, value: &T) -> Result<()> {
    write_slice(to, std::slice::from_ref(value))
}

/// Writes the first `length` bytes of a value.
pub fn write_prefix<T: Copy>(to: *mut T, value: &T, length: usize) -> Result<()> {
    let own = std::ptr::from_ref(value).addr();
    let length = length.min(size_of::<T>());
    copy::to_caller(own, to.addr(), length)
}

/// Writes several values in order. If part of the destination is inaccessible, the values before
/// that part have been written.
pub fn write_slice<T: Copy>(to: *mut T, values: &[T]) -> Result<()> {
    copy::to_caller(values.as_ptr().addr(), to.addr(), size_of_val(values))
}

/// Writes as many whole values as fit into an array of `cb` bytes, and returns their number.
pub fn write_fitting<T: Copy>(
    to: *mut T,
    cb: u32,
    values: impl ExactSizeIterator<Item = T>,
) -> Result<usize> {
    if cb > 0 && to.is_null() {
        return Err(Win32Error::NOACCESS);
    }
    let count = values.len().min(cb as usize / size_of::<T>());
    let values: Vec<T> = values.take(count).collect();
    write_slice(to, &values)?;
    Ok(count)
}

/// Reads a value.
pub fn read<T: AnyBitPattern>(from: *const T) -> Result<T> {
    let mut value = MaybeUninit::<T>::uninit();
    let own = value.as_mut_ptr().addr();
    copy::from_caller(own, from.addr(), size_of::<T>())?;
    // SAFETY: `from_caller` initialized all bytes, and `T: AnyBitPattern` accepts any.
    Ok(unsafe { value.assume_init() })
}

/// Reads `count` values and appends them to `into`.
pub fn read_slice<T: AnyBitPattern>(from: *const T, count: usize, into: &mut Vec<T>) -> Result<()> {
    into.try_reserve_exact(count)
        .map_err(|_| Win32Error::NOT_ENOUGH_MEMORY)?;
    let spare = &mut into.spare_capacity_mut()[..count];
    copy::from_caller(spare.as_mut_ptr().addr(), from.addr(), size_of_val(spare))?;
    let length = into.len() + count;
    // SAFETY: `from_caller` initialized `count` values after the old length, within the capacity, and
    // `AnyBitPattern` accepts any bytes.
    unsafe { into.set_len(length) };
    Ok(())
}
