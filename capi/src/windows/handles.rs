//! The lookup of process handles, which are the system's.

use std::os::windows::io::BorrowedHandle;
use std::ptr::null_mut;

use psapi::{ErrorKind, Process};
use windows_sys::Wdk::Foundation::{NtQueryObject, ObjectBasicInformation};
use windows_sys::Win32::System::WindowsProgramming::PUBLIC_OBJECT_BASIC_INFORMATION;

use crate::system::system;
use crate::types::rights::{
    PROCESS_ALL_ACCESS, PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION,
};
use crate::types::{DWORD, HANDLE};
use crate::win32_error::{Result, Win32Error};

/// The process of a handle, for one call.
#[derive(Debug)]
pub struct Target {
    pub process: Process,
}

/// Returns the process of a handle, if the handle has all of the given rights.
pub fn resolve(handle: HANDLE, rights: DWORD) -> Result<Target> {
    let access = granted_access(handle)?;
    // SAFETY: the handle was open a moment ago. If another thread closes it, or puts another object
    // in its place, the system notices when it duplicates the handle.
    let borrowed = unsafe { BorrowedHandle::borrow_raw(handle) };
    let process = system()
        .process_from_handle(borrowed)
        .map_err(|error| match error.kind() {
            ErrorKind::AccessDenied => Win32Error::ACCESS_DENIED,
            ErrorKind::InvalidParameter => Win32Error::INVALID_HANDLE,
            _ => Win32Error::from_process_error(&error),
        })?;
    if access & rights != rights {
        return Err(Win32Error::ACCESS_DENIED);
    }
    if process.id().get() != std::process::id() {
        return Ok(Target { process });
    }
    // Wine describes the pages of the own process only through its pseudo handle.
    let process = system()
        .current_process()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    Ok(Target { process })
}

/// Returns the rights of a handle.
fn granted_access(handle: HANDLE) -> Result<DWORD> {
    let is_pseudo = handle.addr() == usize::MAX;
    if is_pseudo {
        return Ok(PROCESS_ALL_ACCESS);
    }
    let mut information = PUBLIC_OBJECT_BASIC_INFORMATION::default();
    // SAFETY: the buffer has the given size. The system checks the handle.
    let status = unsafe {
        NtQueryObject(
            handle,
            ObjectBasicInformation,
            (&raw mut information).cast(),
            size_of_val(&information) as u32,
            null_mut(),
        )
    };
    if status < 0 {
        return Err(Win32Error::INVALID_HANDLE);
    }
    let access = information.GrantedAccess;
    Ok(if access & PROCESS_QUERY_INFORMATION != 0 {
        access | PROCESS_QUERY_LIMITED_INFORMATION
    } else {
        access
    })
}
