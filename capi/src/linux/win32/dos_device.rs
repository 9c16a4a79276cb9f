//! `QueryDosDevice`.

use crate::linux::caller_strings::read_until_zero;
use crate::text::CodeUnit;
use crate::types::DWORD;
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Implements `QueryDosDevice`. Linux has no drive letters, so the list of devices is empty, and no
/// device has a target. Paths need no translation.
pub fn query<U: CodeUnit>(device: *const U, to: *mut U, capacity: DWORD) -> Result<DWORD> {
    if !device.is_null() {
        // The name must be readable, even though no device has it.
        read_until_zero(device, usize::MAX)?;
        return Err(Win32Error::FILE_NOT_FOUND);
    }
    // An empty list of strings ends with two NULs.
    let list = [U::NUL; 2];
    if (capacity as usize) < list.len() {
        return Err(Win32Error::INSUFFICIENT_BUFFER);
    }
    user_memory::write_slice(to, &list)?;
    Ok(list.len() as DWORD)
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::types::{CHAR, WCHAR};

    #[test]
    fn no_device_exists() {
        let mut to = [7 as CHAR; 8];
        let result = query(c"C:".as_ptr(), to.as_mut_ptr(), 8);
        assert_eq!(result, Err(Win32Error::FILE_NOT_FOUND));
        assert_eq!(query(null(), to.as_mut_ptr(), 8), Ok(2));
        assert_eq!(to[..3], [0, 0, 7]);
        let short = query::<WCHAR>(null(), null_mut(), 1);
        assert_eq!(short, Err(Win32Error::INSUFFICIENT_BUFFER));
        let nowhere = query::<WCHAR>(null(), null_mut(), 2);
        assert_eq!(nowhere, Err(Win32Error::NOACCESS));
        let unreadable = query(null::<CHAR>().wrapping_add(1), to.as_mut_ptr(), 8);
        assert_eq!(unreadable, Err(Win32Error::NOACCESS));
    }
}
