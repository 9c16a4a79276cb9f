//! Names are UTF-16, unpaired surrogates included. `CHAR` text is in the ANSI code page, with its
//! default character in place of characters that it lacks.

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt as _;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Globalization::{CP_ACP, WideCharToMultiByte};

use crate::types::{CHAR, WCHAR};

/// Encodes a name for the `A` functions.
pub fn narrow(name: &OsStr) -> Vec<CHAR> {
    let wide = wide(name);
    let Ok(length) = i32::try_from(wide.len()) else {
        return Vec::new();
    };
    // No code page has more bytes for a UTF-16 unit: UTF-8 has three, GB18030 four.
    let mut text = vec![0u8; wide.len() * 4];
    let capacity = i32::try_from(text.len()).unwrap_or(i32::MAX);
    // SAFETY: the pointers are valid for the given lengths, and null ones are allowed.
    let written = unsafe {
        WideCharToMultiByte(
            CP_ACP,
            0,
            wide.as_ptr(),
            length,
            text.as_mut_ptr(),
            capacity,
            null(),
            null_mut(),
        )
    };
    text.truncate(usize::try_from(written).unwrap_or(0));
    text.into_iter().map(|byte| byte as CHAR).collect()
}

/// Encodes a name for the `W` functions.
pub fn wide(name: &OsStr) -> Vec<WCHAR> {
    name.encode_wide().collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::windows::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn wide_keeps_unpaired_surrogates() {
        let units = [u16::from(b'a'), 0xd800, u16::from(b'b'), 0xdc00];
        assert_eq!(wide(&OsString::from_wide(&units)), units);
    }

    #[test]
    fn narrow_replaces_unknown_characters() {
        let bytes = |text: &str| -> Vec<u8> {
            let text = narrow(text.as_ref());
            text.into_iter().map(|unit| unit as u8).collect()
        };
        assert_eq!(bytes(r"C:\a b.exe"), br"C:\a b.exe");
        assert_eq!(bytes(""), b"");
        // No ANSI code page but UTF-8 has both of these scripts.
        let both = bytes("я中");
        assert!(both.contains(&b'?') || both == "я中".as_bytes(), "{both:?}");
    }
}
