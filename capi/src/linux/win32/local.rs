//! `LocalFree`, which frees memory that `FormatMessage` allocates.

use crate::linux::last_error;
use crate::linux::state;
use crate::types::HLOCAL;
use crate::user_memory::AnyBitPattern;
use crate::win32_error::{Result, Win32Error};

/// Allocates memory that starts with `values` and is filled with zeros up to at least `min` values.
pub fn allocate<T: AnyBitPattern>(values: &[T], min: usize) -> Result<HLOCAL> {
    let count = min.max(values.len());
    // SAFETY: `calloc` has no preconditions and checks the product for overflow.
    let memory = unsafe { libc::calloc(count, size_of::<T>()) };
    if memory.is_null() {
        return Err(Win32Error::NOT_ENOUGH_MEMORY);
    }
    // SAFETY: the allocation has room for `count` values, which is at least `values.len()`, and is
    // aligned for any type.
    unsafe {
        memory
            .cast::<T>()
            .copy_from_nonoverlapping(values.as_ptr(), values.len());
    }
    state::with(|state| state.allocations.insert(memory.addr()));
    Ok(memory)
}

/// Implements `LocalFree`. Returns null on success and for a null pointer. For a pointer that
/// `allocate` did not return, sets the last error and returns the argument.
pub fn free(memory: HLOCAL) -> Result<HLOCAL> {
    let allocated = state::with(|state| state.allocations.remove(memory.addr()));
    if allocated {
        // SAFETY: `allocate` returned this pointer. It has just left the set of allocations, so it
        // is freed only once.
        unsafe { libc::free(memory) };
    } else if !memory.is_null() {
        // The exported function returns null for an `Err`, which means success here.
        last_error::set(Win32Error::INVALID_HANDLE.0);
        return Ok(memory);
    }
    Ok(std::ptr::null_mut())
}

#[cfg(test)]
pub mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Held by tests that allocate. Otherwise another test could get an address that was just
    /// freed.
    pub static ALLOCATING: Mutex<()> = Mutex::new(());

    #[test]
    fn frees_memory_once() {
        let _serialized = ALLOCATING.lock();
        let memory = allocate(&[1u16, 2, 3], 2).unwrap();
        assert!(free(memory).unwrap().is_null());
        last_error::set(0);
        assert_eq!(free(memory), Ok(memory));
        assert_eq!(last_error::get(), Win32Error::INVALID_HANDLE.0);
    }

    #[test]
    fn foreign_memory_is_not_freed() {
        let mut foreign = 7;
        let foreign: HLOCAL = std::ptr::from_mut(&mut foreign).cast();
        last_error::set(0);
        for memory in [foreign, std::ptr::without_provenance_mut(8)] {
            assert_eq!(free(memory), Ok(memory));
            assert_eq!(last_error::get(), Win32Error::INVALID_HANDLE.0);
        }
        last_error::set(0);
        assert!(free(std::ptr::null_mut()).unwrap().is_null());
        assert_eq!(last_error::get(), 0);
    }

    #[test]
    fn allocates_requested_minimum() {
        let _serialized = ALLOCATING.lock();
        let memory = allocate(&[5u8], 100).unwrap();
        // SAFETY: the allocation has 100 initialized bytes, and nothing else accesses it.
        let bytes = unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), 100) };
        assert_eq!((bytes[0], bytes[99]), (5, 0));
        assert!(free(memory).unwrap().is_null());
    }
}
