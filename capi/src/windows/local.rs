//! `LocalFree`, of what `FormatMessage` has allocated.

use std::collections::BTreeSet;

use crate::boundary::Answer;
use crate::caller::Plain;
use crate::code::Code;
use crate::last_error;
use crate::shared;
use crate::types::HLOCAL;

/// The memory that was given to the caller and not been freed. Nothing else is freed.
#[derive(Debug)]
pub struct Allocations(BTreeSet<usize>);

impl Allocations {
    pub const fn new() -> Self {
        Allocations(BTreeSet::new())
    }
}

/// Memory for some values and so many more of zero that there are `least`.
pub fn allocate<T: Plain>(values: &[T], least: usize) -> Answer<HLOCAL> {
    let count = least.max(values.len());
    // SAFETY: it only allocates.
    let memory = unsafe { libc::calloc(count, size_of::<T>()) };
    if memory.is_null() {
        return Err(Code::NOT_ENOUGH_MEMORY);
    }
    // SAFETY: there is room for so many, aligned for anything.
    unsafe {
        memory
            .cast::<T>()
            .copy_from_nonoverlapping(values.as_ptr(), values.len());
    }
    shared::with(|shared| shared.allocations.0.insert(memory.addr()));
    Ok(memory)
}

/// What can't be freed is returned.
pub fn free(memory: HLOCAL) -> Answer<HLOCAL> {
    let known = shared::with(|shared| shared.allocations.0.remove(&memory.addr()));
    if known {
        // SAFETY: it was allocated above, and is not known any more.
        unsafe { libc::free(memory) };
    } else if !memory.is_null() {
        // NULL, which says that a function failed, is success here.
        last_error::set(Code::INVALID_HANDLE.0);
        return Ok(memory);
    }
    Ok(std::ptr::null_mut())
}

#[cfg(test)]
pub mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Held by tests that allocate, so that what one has freed is not another's by then.
    pub static ALLOCATING: Mutex<()> = Mutex::new(());

    #[test]
    fn it_is_freed_once() {
        let _one_at_a_time = ALLOCATING.lock();
        let memory = allocate(&[1u16, 2, 3], 2).unwrap();
        assert!(free(memory).unwrap().is_null());
        last_error::set(0);
        assert_eq!(free(memory), Ok(memory));
        assert_eq!(last_error::get(), Code::INVALID_HANDLE.0);
    }

    #[test]
    fn what_is_not_its_own_is_not_freed() {
        let mut own = 7;
        let own: HLOCAL = std::ptr::from_mut(&mut own).cast();
        last_error::set(0);
        for memory in [own, std::ptr::without_provenance_mut(8)] {
            assert_eq!(free(memory), Ok(memory));
            assert_eq!(last_error::get(), Code::INVALID_HANDLE.0);
        }
        last_error::set(0);
        assert!(free(std::ptr::null_mut()).unwrap().is_null());
        assert_eq!(last_error::get(), 0);
    }

    #[test]
    fn there_is_as_much_as_was_asked_for() {
        let _one_at_a_time = ALLOCATING.lock();
        let memory = allocate(&[5u8], 100).unwrap();
        // SAFETY: it has a hundred bytes.
        let bytes = unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), 100) };
        assert_eq!((bytes[0], bytes[99]), (5, 0));
        assert!(free(memory).unwrap().is_null());
    }
}
