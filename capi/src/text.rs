//! Names for the caller: `CHAR` text in the `A` functions, UTF-16 in the `W` functions.

use std::ffi::OsStr;
use std::path::Path;

use crate::platform::encoding;
use crate::types::{CHAR, DWORD, WCHAR};
use crate::user_memory::{self, AnyBitPattern};
use crate::win32_error::{Result, Win32Error};

/// A code unit of text: `CHAR` in the `A` functions, `WCHAR` in the `W` functions.
pub trait CodeUnit: AnyBitPattern + Default + PartialEq {
    const NUL: Self;

    /// Encodes a name, without a NUL.
    fn encode(name: &OsStr) -> Vec<Self>;
}

impl CodeUnit for CHAR {
    const NUL: Self = 0;

    fn encode(name: &OsStr) -> Vec<Self> {
        encoding::narrow(name)
    }
}

impl CodeUnit for WCHAR {
    const NUL: Self = 0;

    fn encode(name: &OsStr) -> Vec<Self> {
        encoding::wide(name)
    }
}

/// The caller's buffer for a name.
#[derive(Debug, Clone, Copy)]
pub struct OutBuffer<U> {
    start: *mut U,
    /// In code units, including the NUL.
    capacity: DWORD,
}

impl<U: CodeUnit> OutBuffer<U> {
    pub fn new(start: *mut U, capacity: DWORD) -> Self {
        OutBuffer { start, capacity }
    }

    /// Writes a name, truncated if necessary. Returns its length without the NUL, or the capacity
    /// if the name was truncated.
    pub fn write_truncated(self, name: impl AsRef<Path>) -> Result<DWORD> {
        let mut text = U::encode(name.as_ref().as_os_str());
        let capacity = self.capacity as usize;
        let length = text.len().min(capacity);
        if text.len() < capacity {
            text.push(U::NUL);
        } else {
            text.truncate(capacity);
            if let Some(last) = text.last_mut() {
                *last = U::NUL;
            }
        }
        user_memory::write_slice(self.start, &text)?;
        Ok(length as DWORD)
    }

    /// Writes a name and returns its length without the NUL. Fails if the name does not fit.
    pub fn write_whole(self, name: impl AsRef<Path>) -> Result<DWORD> {
        let mut text = U::encode(name.as_ref().as_os_str());
        if text.len() >= self.capacity as usize {
            return Err(Win32Error::INSUFFICIENT_BUFFER);
        }
        let length = text.len() as DWORD;
        text.push(U::NUL);
        user_memory::write_slice(self.start, &text)?;
        Ok(length)
    }
}
