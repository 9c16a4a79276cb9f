//! `EnumProcesses` and `GetProcessImageFileName`.

use crate::convert::to_dword;
use crate::platform::handles::resolve;
use crate::system::system;
use crate::text::{CodeUnit, OutBuffer};
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{BOOL, DWORD, HANDLE, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Implements `EnumProcesses`. Writes as many ids as fit, and stores the number of bytes written in
/// `needed`.
pub fn enumerate(to: *mut DWORD, cb: DWORD, needed: *mut DWORD) -> Result<BOOL> {
    let ids = system()
        .process_ids()
        .map_err(|error| Win32Error::from_system_error(&error))?;
    let written = user_memory::write_fitting(to, cb, ids.iter().map(|id| id.get()))?;
    let size = written * size_of::<DWORD>();
    user_memory::write(needed, &to_dword(size as u64))?;
    Ok(TRUE)
}

/// Implements `GetProcessImageFileName`.
pub fn image_file_name<U: CodeUnit>(process: HANDLE, to: *mut U, capacity: DWORD) -> Result<DWORD> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    if capacity == 0 {
        return Err(Win32Error::INSUFFICIENT_BUFFER);
    }
    let image = target
        .process
        .image_file()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    // A kernel thread has no image.
    let image = image.ok_or(Win32Error::GEN_FAILURE)?;
    OutBuffer::new(to, capacity).write_whole(image.device_path.unwrap_or(image.path))
}
