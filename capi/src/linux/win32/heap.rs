//! `GetProcessHeap`, `HeapAlloc` and `HeapFree`.

use crate::linux::state;
use crate::types::{BOOL, DWORD, HANDLE, LPVOID, SIZE_T, TRUE};
use crate::win32_error::{Result, Win32Error};

const HEAP_NO_SERIALIZE: DWORD = 1;
const HEAP_GENERATE_EXCEPTIONS: DWORD = 4;
const HEAP_ZERO_MEMORY: DWORD = 8;

/// The handle of the C library's heap. Other handles are multiples of 4.
const PROCESS_HEAP: u32 = 1;

/// Implements `GetProcessHeap`.
pub fn process_heap() -> HANDLE {
    std::ptr::without_provenance_mut(PROCESS_HEAP as usize)
}

/// Implements `HeapAlloc`. Exceptions do not exist here.
pub fn allocate(heap: HANDLE, flags: DWORD, bytes: SIZE_T) -> Result<LPVOID> {
    check(heap)?;
    if flags & !(HEAP_NO_SERIALIZE | HEAP_ZERO_MEMORY | HEAP_GENERATE_EXCEPTIONS) != 0 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    if flags & HEAP_GENERATE_EXCEPTIONS != 0 {
        return Err(Win32Error::NOT_SUPPORTED);
    }
    // An empty allocation has an address of its own.
    let bytes = bytes.max(1);
    // SAFETY: neither function has preconditions.
    let memory = unsafe {
        match flags & HEAP_ZERO_MEMORY {
            0 => libc::malloc(bytes),
            _ => libc::calloc(1, bytes),
        }
    };
    if memory.is_null() {
        return Err(Win32Error::NOT_ENOUGH_MEMORY);
    }
    state::with(|state| state.heap_allocations.insert(memory.addr()));
    Ok(memory)
}

/// Implements `HeapFree`. Only memory from `HeapAlloc` is freed.
pub fn free(heap: HANDLE, flags: DWORD, memory: LPVOID) -> Result<BOOL> {
    check(heap)?;
    if flags & !HEAP_NO_SERIALIZE != 0 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    if memory.is_null() {
        return Ok(TRUE);
    }
    if !state::with(|state| state.heap_allocations.remove(memory.addr())) {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    // SAFETY: `allocate` returned this pointer. It has just left the set of allocations, so it is
    // freed only once.
    unsafe { libc::free(memory) };
    Ok(TRUE)
}

fn check(heap: HANDLE) -> Result<()> {
    // Only the lower 32 bits of a handle are significant.
    match heap.addr() as u32 {
        PROCESS_HEAP => Ok(()),
        _ => Err(Win32Error::INVALID_HANDLE),
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::linux::win32::local::tests::ALLOCATING;

    #[test]
    fn frees_memory_once() {
        let _serialized = ALLOCATING.lock();
        let heap = process_heap();
        for bytes in [0, 1, 1 << 20] {
            let memory = allocate(heap, HEAP_ZERO_MEMORY, bytes).unwrap();
            // SAFETY: the allocation has this many initialized bytes, and nothing else uses it.
            let contents = unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), bytes) };
            assert!(contents.iter().all(|&byte| byte == 0));
            assert_eq!(free(heap, 0, memory), Ok(TRUE));
            assert_eq!(free(heap, 0, memory), Err(Win32Error::INVALID_PARAMETER));
        }
        assert_eq!(free(heap, 0, null_mut()), Ok(TRUE));
    }

    #[test]
    fn rejects_other_heaps_and_flags() {
        let heap = process_heap();
        for other in [null_mut(), heap.wrapping_byte_add(1)] {
            assert_eq!(allocate(other, 0, 1), Err(Win32Error::INVALID_HANDLE));
            assert_eq!(free(other, 0, null_mut()), Err(Win32Error::INVALID_HANDLE));
        }
        assert_eq!(allocate(heap, 2, 1), Err(Win32Error::INVALID_PARAMETER));
        assert_eq!(allocate(heap, 4, 1), Err(Win32Error::NOT_SUPPORTED));
        assert_eq!(
            allocate(heap, 0, SIZE_T::MAX),
            Err(Win32Error::NOT_ENOUGH_MEMORY)
        );
        let mut foreign = 7;
        let foreign = std::ptr::from_mut(&mut foreign).cast();
        assert_eq!(free(heap, 0, foreign), Err(Win32Error::INVALID_PARAMETER));
    }
}
