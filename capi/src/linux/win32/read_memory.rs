//! `ReadProcessMemory`.

use crate::linux::handles::resolve;
use crate::types::rights::PROCESS_VM_READ;
use crate::types::{BOOL, HANDLE, LPCVOID, LPVOID, SIZE_T, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// The number of bytes per copy to the caller.
const BYTES_PER_COPY: usize = 256 * 1024;

/// Implements `ReadProcessMemory`. If not all bytes are readable, copies those before the first
/// unreadable one, stores their number in `read`, and fails.
pub fn read(
    process: HANDLE,
    address: LPCVOID,
    to: LPVOID,
    size: SIZE_T,
    read: *mut SIZE_T,
) -> Result<BOOL> {
    let target = resolve(process, PROCESS_VM_READ)?;
    let to = to.cast::<u8>();
    let mut buffer = vec![0; size.min(BYTES_PER_COPY)];
    let mut done = 0;
    while done < size {
        let wanted = (size - done).min(BYTES_PER_COPY);
        let Some(from) = address.addr().checked_add(done) else {
            break;
        };
        let copied = target
            .process
            .read_memory(from as u64, &mut buffer[..wanted])
            .map_err(|error| Win32Error::from_memory_error(&error))?;
        user_memory::write_slice(to.wrapping_add(done), &buffer[..copied])?;
        done += copied;
        if copied < wanted {
            break;
        }
    }
    if !read.is_null() {
        user_memory::write(read, &done)?;
    }
    if done < size {
        return Err(Win32Error::PARTIAL_COPY);
    }
    Ok(TRUE)
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::linux::handles::{close, current, open};
    use crate::linux::test_memory::Pages;
    use crate::types::FALSE;
    use crate::types::rights::PROCESS_QUERY_INFORMATION;

    #[test]
    fn copies_memory() {
        let text: Vec<u8> = (0..=255).cycle().take(3 * BYTES_PER_COPY + 5).collect();
        let own = open(PROCESS_VM_READ, FALSE, std::process::id()).unwrap();
        for process in [current(), own] {
            for size in [0, 1, BYTES_PER_COPY, text.len()] {
                let (mut copy, mut done) = (vec![9; text.len()], 7);
                let (from, to) = (text.as_ptr().cast(), copy.as_mut_ptr().cast());
                assert_eq!(read(process, from, to, size, &mut done), Ok(TRUE));
                assert_eq!(done, size);
                assert_eq!(copy[..size], text[..size]);
                assert!(copy[size..].iter().all(|&byte| byte == 9));
                assert_eq!(read(process, from, to, size, null_mut()), Ok(TRUE));
            }
        }
        close(own).unwrap();
    }

    #[test]
    fn unreadable_memory_ends_the_copy() {
        let pages = Pages::new(2);
        pages.put(0, b"text");
        let mut copy = vec![0u8; 3 * 4096];
        let (mut done, to) = (7, copy.as_mut_ptr().cast());
        let result = read(current(), pages.at(0), to, copy.len(), &mut done);
        assert_eq!(result, Err(Win32Error::PARTIAL_COPY));
        assert_eq!((done, &copy[..4]), (8192, &b"text"[..]));
        for nowhere in [
            null_mut(),
            pages.at(8192),
            pages.at(0).with_addr(usize::MAX - 2),
        ] {
            let result = read(current(), nowhere, to, 16, &mut done);
            assert_eq!(result, Err(Win32Error::PARTIAL_COPY));
            assert_eq!(done, 0);
        }
        pages.protect(libc::PROT_NONE);
        let result = read(current(), pages.at(0), to, 16, null_mut());
        assert_eq!(result, Err(Win32Error::PARTIAL_COPY));
    }

    #[test]
    fn rejects_bad_handle_and_buffer() {
        let (text, mut done) = ([1u8; 16], 0);
        let from = text.as_ptr().cast();
        let process = open(PROCESS_QUERY_INFORMATION, FALSE, std::process::id()).unwrap();
        let result = read(process, from, null_mut(), 16, &mut done);
        assert_eq!(result, Err(Win32Error::ACCESS_DENIED));
        close(process).unwrap();
        let result = read(process, from, null_mut(), 16, &mut done);
        assert_eq!(result, Err(Win32Error::INVALID_HANDLE));
        let result = read(current(), from, null_mut(), 16, &mut done);
        assert_eq!(result, Err(Win32Error::NOACCESS));
        let mut copy = [0u8; 16];
        let nowhere = null_mut::<SIZE_T>().wrapping_add(1);
        let result = read(current(), from, copy.as_mut_ptr().cast(), 16, nowhere);
        assert_eq!(result, Err(Win32Error::NOACCESS));
    }
}
