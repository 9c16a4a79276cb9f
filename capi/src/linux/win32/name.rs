//! Names that the caller passes, and names in the arrays of structures.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::text::CodeUnit;
use crate::types::{CHAR, WCHAR};

/// A code unit of a name that the caller passes.
pub trait NameUnit: CodeUnit {
    const SLASH: Self;

    /// Decodes a text of the caller to a name.
    fn decode(text: &[Self]) -> Vec<u8>;
}

impl NameUnit for CHAR {
    const SLASH: Self = b'/' as CHAR;

    fn decode(text: &[Self]) -> Vec<u8> {
        text.iter().map(|&unit| unit as u8).collect()
    }
}

impl NameUnit for WCHAR {
    const SLASH: Self = b'/' as WCHAR;

    fn decode(text: &[Self]) -> Vec<u8> {
        String::from_utf16_lossy(text).into_bytes()
    }
}

/// Encodes a name into an array, truncated if necessary, and with a NUL.
pub fn encode_fixed<U: CodeUnit, const LENGTH: usize>(name: &[u8]) -> [U; LENGTH] {
    let mut array = [U::NUL; LENGTH];
    let text = U::encode(OsStr::from_bytes(name));
    let length = text.len().min(LENGTH - 1);
    array[..length].copy_from_slice(&text[..length]);
    array
}
