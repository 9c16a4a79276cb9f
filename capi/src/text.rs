//! Names for the caller: UTF-8, which is the bytes that the kernel has, or UTF-16.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::boundary::Answer;
use crate::caller::{self, Plain};
use crate::code::Code;
use crate::types::{CHAR, DWORD, WCHAR};

/// A unit of text, as the `A` or the `W` form of a function has it.
pub trait Unit: Plain + Default + PartialEq {
    const NUL: Self;
    const SLASH: Self;

    /// A name without the NUL. What is no Unicode text is U+FFFD in UTF-16, and what it is else.
    fn encode(name: &[u8]) -> Vec<Self>;
}

impl Unit for CHAR {
    const NUL: Self = 0;
    const SLASH: Self = b'/' as CHAR;

    fn encode(name: &[u8]) -> Vec<Self> {
        name.iter().map(|&byte| byte as CHAR).collect()
    }
}

impl Unit for WCHAR {
    const NUL: Self = 0;
    const SLASH: Self = b'/' as WCHAR;

    fn encode(name: &[u8]) -> Vec<Self> {
        String::from_utf8_lossy(name).encode_utf16().collect()
    }
}

/// Where the caller wants a name: room for so many units, the NUL included.
#[derive(Debug, Clone, Copy)]
pub struct Room<U> {
    pub to: *mut U,
    pub units: DWORD,
}

impl<U: Unit> Room<U> {
    /// Writes as much of a name as fits. Tells its length, or the size of the room if it was cut.
    pub fn fill(self, name: impl AsRef<Path>) -> Answer<DWORD> {
        let mut text = U::encode(name.as_ref().as_os_str().as_bytes());
        let room = self.units as usize;
        let length = text.len().min(room);
        if text.len() < room {
            text.push(U::NUL);
        } else {
            text.truncate(room);
            if let Some(last) = text.last_mut() {
                *last = U::NUL;
            }
        }
        caller::write_all(self.to, &text)?;
        Ok(length as DWORD)
    }

    /// Writes a name, or nothing if it does not fit.
    pub fn fill_whole(self, name: impl AsRef<Path>) -> Answer<DWORD> {
        let mut text = U::encode(name.as_ref().as_os_str().as_bytes());
        if text.len() >= self.units as usize {
            return Err(Code::INSUFFICIENT_BUFFER);
        }
        let length = text.len() as DWORD;
        text.push(U::NUL);
        caller::write_all(self.to, &text)?;
        Ok(length)
    }
}
