//! `QueryFullProcessImageName`.

use crate::linux::handles::resolve;
use crate::processes;
use crate::text::CodeUnit;
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{BOOL, DWORD, HANDLE, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Selects the system's own format of a path. On Linux there is only one format.
const PROCESS_NAME_NATIVE: DWORD = 1;

/// Implements `QueryFullProcessImageName`. `size` is the capacity in characters on entry and the
/// length of the path on return.
pub fn query<U: CodeUnit>(
    process: HANDLE,
    flags: DWORD,
    to: *mut U,
    size: *mut DWORD,
) -> Result<BOOL> {
    resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    if flags & !PROCESS_NAME_NATIVE != 0 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let capacity = user_memory::read(size)?;
    let length = processes::image_file_name(process, to, capacity)?;
    user_memory::write(size, &length)?;
    Ok(TRUE)
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::linux::handles::{close, current, open};
    use crate::linux::test_memory::Pages;
    use crate::types::rights::PROCESS_VM_READ;
    use crate::types::{CHAR, FALSE, WCHAR};

    fn exe() -> String {
        let exe = std::fs::read_link("/proc/self/exe").unwrap();
        exe.into_os_string().into_string().unwrap()
    }

    #[test]
    fn returns_path_and_length() {
        let own = open(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, std::process::id()).unwrap();
        for process in [current(), own] {
            for flags in [0, PROCESS_NAME_NATIVE] {
                let (mut buffer, mut size) = ([1 as WCHAR; 4096], 4096);
                assert_eq!(
                    query(process, flags, buffer.as_mut_ptr(), &mut size),
                    Ok(TRUE)
                );
                let name = String::from_utf16(&buffer[..size as usize]).unwrap();
                assert_eq!(name, exe());
                assert_eq!(buffer[size as usize..][..2], [0, 1]);
            }
        }
        close(own).unwrap();
    }

    #[test]
    fn rejects_small_buffer() {
        let length = exe().len() as DWORD;
        let mut buffer = [1 as CHAR; 4096];
        for capacity in [0, 1, length] {
            let mut size = capacity;
            let result = query(current(), 0, buffer.as_mut_ptr(), &mut size);
            assert_eq!(result, Err(Win32Error::INSUFFICIENT_BUFFER));
            assert_eq!((size, buffer[0]), (capacity, 1));
        }
        let mut size = length + 1;
        assert_eq!(
            query(current(), 0, buffer.as_mut_ptr(), &mut size),
            Ok(TRUE)
        );
        assert_eq!(size, length);
    }

    #[test]
    fn checks_arguments_in_order() {
        let without_query = open(PROCESS_VM_READ, FALSE, std::process::id()).unwrap();
        let to: *mut CHAR = null_mut();
        assert_eq!(
            query(without_query, 2, to, null_mut()),
            Err(Win32Error::ACCESS_DENIED)
        );
        close(without_query).unwrap();
        assert_eq!(
            query(without_query, 2, to, null_mut()),
            Err(Win32Error::INVALID_HANDLE)
        );
        for flags in [2, 3, DWORD::MAX] {
            let result = query(current(), flags, to, null_mut());
            assert_eq!(result, Err(Win32Error::INVALID_PARAMETER));
        }
        assert_eq!(
            query(current(), 0, to, null_mut()),
            Err(Win32Error::NOACCESS)
        );
        let mut size = 4096;
        assert_eq!(
            query(current(), 0, to, &mut size),
            Err(Win32Error::NOACCESS)
        );
        // The size is in read-only memory.
        let pages = Pages::new(1);
        pages.put(0, &4096u32.to_ne_bytes());
        pages.protect(libc::PROT_READ);
        let mut buffer = [0 as CHAR; 4096];
        let result = query(current(), 0, buffer.as_mut_ptr(), pages.at(0).cast());
        assert_eq!(result, Err(Win32Error::NOACCESS));
    }
}
