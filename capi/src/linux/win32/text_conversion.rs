//! `MultiByteToWideChar` and `WideCharToMultiByte`. Every code page here is UTF-8.

use crate::linux::caller_strings::read_until_zero;
use crate::types::{BOOL, CHAR, DWORD, FALSE, INT, TRUE, UINT, WCHAR};
use crate::user_memory::{self, AnyBitPattern};
use crate::win32_error::{Result, Win32Error};

const CP_ACP: UINT = 0;
const CP_OEMCP: UINT = 1;
const CP_THREAD_ACP: UINT = 3;
const CP_UTF8: UINT = 65001;

/// Flags for legacy code pages. They have no meaning for UTF-8.
const MB_LEGACY: DWORD = 1 | 2 | 4;
const WC_LEGACY: DWORD = 0x200 | 0x400 | 0x10 | 0x20 | 0x40;

const MB_ERR_INVALID_CHARS: DWORD = 8;
const WC_ERR_INVALID_CHARS: DWORD = 0x80;

/// Implements `MultiByteToWideChar`.
pub fn to_wide(
    code_page: UINT,
    flags: DWORD,
    from: *const CHAR,
    length: INT,
    to: *mut WCHAR,
    capacity: INT,
) -> Result<INT> {
    check(code_page, flags, MB_ERR_INVALID_CHARS, MB_LEGACY)?;
    let bytes: Vec<u8> = read(from.cast::<u8>(), length, to.addr(), capacity)?;
    if flags & MB_ERR_INVALID_CHARS != 0 && std::str::from_utf8(&bytes).is_err() {
        return Err(Win32Error::NO_UNICODE_TRANSLATION);
    }
    let text: Vec<WCHAR> = String::from_utf8_lossy(&bytes).encode_utf16().collect();
    write(&text, to, capacity)
}

/// Implements `WideCharToMultiByte`. The default character is not used, because UTF-8 has all
/// characters. `used_default` is set to true if invalid text was replaced.
#[expect(clippy::too_many_arguments, reason = "the API's own arguments")]
pub fn to_multi_byte(
    code_page: UINT,
    flags: DWORD,
    from: *const WCHAR,
    length: INT,
    to: *mut CHAR,
    capacity: INT,
    default: *const CHAR,
    used_default: *mut BOOL,
) -> Result<INT> {
    check(code_page, flags, WC_ERR_INVALID_CHARS, WC_LEGACY)?;
    if code_page == CP_UTF8 && !(default.is_null() && used_default.is_null()) {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let units = read(from, length, to.addr(), capacity)?;
    let is_valid = std::char::decode_utf16(units.iter().copied()).all(|unit| unit.is_ok());
    if flags & WC_ERR_INVALID_CHARS != 0 && !is_valid {
        return Err(Win32Error::NO_UNICODE_TRANSLATION);
    }
    let text = String::from_utf16_lossy(&units);
    let written = write(text.as_bytes(), to.cast(), capacity)?;
    if !used_default.is_null() {
        user_memory::write(used_default, if is_valid { &FALSE } else { &TRUE })?;
    }
    Ok(written)
}

/// Checks the code page, and the flags that it allows.
fn check(code_page: UINT, flags: DWORD, strict: DWORD, legacy: DWORD) -> Result<()> {
    let allowed = match code_page {
        CP_UTF8 => strict,
        CP_ACP | CP_OEMCP | CP_THREAD_ACP => strict | legacy,
        _ => return Err(Win32Error::INVALID_PARAMETER),
    };
    match flags & !allowed {
        0 => Ok(()),
        _ => Err(Win32Error::INVALID_FLAGS),
    }
}

/// Reads the text to convert. With a length of -1, the text ends with a NUL, which is also
/// converted.
fn read<T>(from: *const T, length: INT, to: usize, capacity: INT) -> Result<Vec<T>>
where
    T: AnyBitPattern + Default + PartialEq,
{
    if from.is_null() || length == 0 || length < -1 || capacity < 0 || from.addr() == to {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    if length == -1 {
        let mut text = read_until_zero(from, INT::MAX as usize)?;
        text.push(T::default());
        return Ok(text);
    }
    let mut text = Vec::new();
    user_memory::read_slice(from, length as usize, &mut text)?;
    Ok(text)
}

/// Writes the converted text and returns its length. A capacity of 0 asks for the length only.
fn write<T: Copy>(text: &[T], to: *mut T, capacity: INT) -> Result<INT> {
    let length = INT::try_from(text.len()).map_err(|_| Win32Error::INSUFFICIENT_BUFFER)?;
    if capacity > 0 {
        if length > capacity {
            return Err(Win32Error::INSUFFICIENT_BUFFER);
        }
        user_memory::write_slice(to, text)?;
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::ptr::{null, null_mut};

    use super::*;
    use crate::linux::test_memory::Pages;
    use crate::linux::win32::name::NameUnit as _;
    use crate::text::CodeUnit as _;

    const TEXT: &str = "zw\u{f6}lf \u{1f600}";

    fn wide(code_page: UINT, flags: DWORD, text: &[u8], capacity: INT) -> Result<Vec<WCHAR>> {
        let (from, mut to) = (CHAR::encode(OsStr::from_bytes(text)), [7; 64]);
        let length = from.len() as INT;
        let written = to_wide(
            code_page,
            flags,
            from.as_ptr(),
            length,
            to.as_mut_ptr(),
            capacity,
        )?;
        assert_eq!(to[written as usize], 7);
        Ok(to[..written as usize].to_vec())
    }

    fn multi_byte(code_page: UINT, flags: DWORD, text: &[WCHAR]) -> Result<(Vec<u8>, BOOL)> {
        let (mut to, mut used, length) = ([7; 64], 7, text.len() as INT);
        let used_at = if code_page == CP_UTF8 {
            null_mut()
        } else {
            &raw mut used
        };
        let (from, at) = (text.as_ptr(), to.as_mut_ptr());
        let written = to_multi_byte(code_page, flags, from, length, at, 64, null(), used_at)?;
        assert_eq!(to[written as usize], 7);
        Ok((CHAR::decode(&to[..written as usize]), used))
    }

    #[test]
    fn converts_both_ways() {
        let utf16: Vec<WCHAR> = TEXT.encode_utf16().collect();
        for code_page in [CP_ACP, CP_OEMCP, CP_THREAD_ACP, CP_UTF8] {
            assert_eq!(wide(code_page, 0, TEXT.as_bytes(), 64).as_ref(), Ok(&utf16));
            let (text, used) = multi_byte(code_page, 0, &utf16).unwrap();
            assert_eq!(text, TEXT.as_bytes());
            assert_eq!(used, if code_page == CP_UTF8 { 7 } else { FALSE });
        }
        // The flags of legacy code pages.
        assert!(wide(CP_ACP, 1, b"a", 64).is_ok());
        assert!(multi_byte(CP_ACP, 0x600, &utf16).is_ok());
    }

    #[test]
    fn text_ends_with_nul_or_length() {
        let pages = Pages::new(1);
        pages.put(4096 - 4, b"abc\0");
        let from = pages.at(4096 - 4).cast();
        let mut to = [7; 8];
        assert_eq!(to_wide(CP_UTF8, 0, from, -1, null_mut(), 0), Ok(4));
        assert_eq!(to_wide(CP_UTF8, 0, from, -1, to.as_mut_ptr(), 4), Ok(4));
        assert_eq!(to[..5], [97, 98, 99, 0, 7]);
        let short = to_wide(CP_UTF8, 0, from, -1, to.as_mut_ptr(), 3);
        assert_eq!(short, Err(Win32Error::INSUFFICIENT_BUFFER));
        let beyond = to_wide(CP_UTF8, 0, from, 5, to.as_mut_ptr(), 8);
        assert_eq!(beyond, Err(Win32Error::NOACCESS));
    }

    #[test]
    fn invalid_text_is_replaced_or_rejected() {
        assert_eq!(wide(CP_UTF8, 0, b"a\xffb", 64), Ok(vec![97, 0xFFFD, 98]));
        let strict = wide(CP_UTF8, MB_ERR_INVALID_CHARS, b"a\xffb", 64);
        assert_eq!(strict, Err(Win32Error::NO_UNICODE_TRANSLATION));
        let lone = [97, 0xD800, 98];
        assert_eq!(
            multi_byte(CP_ACP, 0, &lone),
            Ok(("a\u{fffd}b".into(), TRUE))
        );
        let strict = multi_byte(CP_UTF8, WC_ERR_INVALID_CHARS, &lone);
        assert_eq!(strict, Err(Win32Error::NO_UNICODE_TRANSLATION));
    }

    #[test]
    fn rejects_bad_arguments() {
        assert_eq!(wide(437, 0, b"a", 64), Err(Win32Error::INVALID_PARAMETER));
        assert_eq!(wide(CP_UTF8, 1, b"a", 64), Err(Win32Error::INVALID_FLAGS));
        assert_eq!(wide(CP_ACP, 0x10, b"a", 64), Err(Win32Error::INVALID_FLAGS));
        assert_eq!(
            wide(CP_UTF8, 0, b"", 64),
            Err(Win32Error::INVALID_PARAMETER)
        );
        assert_eq!(
            wide(CP_UTF8, 0, b"a", -1),
            Err(Win32Error::INVALID_PARAMETER)
        );
        assert_eq!(
            to_wide(0, 0, null(), 1, null_mut(), 0),
            Err(Win32Error::INVALID_PARAMETER)
        );
        let from: [CHAR; 1] = [97];
        let nowhere = to_wide(0, 0, from.as_ptr(), 1, null_mut(), 1);
        assert_eq!(nowhere, Err(Win32Error::NOACCESS));
        let (from, mut used) = ([97], 0);
        let result = to_multi_byte(
            CP_UTF8,
            0,
            from.as_ptr(),
            1,
            null_mut(),
            0,
            null(),
            &mut used,
        );
        assert_eq!(result, Err(Win32Error::INVALID_PARAMETER));
    }
}
