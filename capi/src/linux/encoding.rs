//! Names are bytes, normally UTF-8. `CHAR` text keeps the bytes. UTF-16 has U+FFFD in place of bytes
//! that are not UTF-8.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::types::{CHAR, WCHAR};

/// Encodes a name for the `A` functions.
pub fn narrow(name: &OsStr) -> Vec<CHAR> {
    name.as_bytes().iter().map(|&byte| byte as CHAR).collect()
}

/// Encodes a name for the `W` functions.
pub fn wide(name: &OsStr) -> Vec<WCHAR> {
    name.to_string_lossy().encode_utf16().collect()
}
