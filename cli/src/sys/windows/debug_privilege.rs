//! `SeDebugPrivilege`, by which administrators inspect the processes of other users.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GetLastError};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW, SE_DEBUG_NAME,
    SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_PRIVILEGES,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// Enables the privilege for this process. Returns false if the caller does not have it.
///
/// Administrators have it, but it is disabled until a program enables it.
pub fn enable_debug_privilege() -> io::Result<bool> {
    let mut token = null_mut();
    // SAFETY: the pseudo handle of this process is always valid, and `token` may be written.
    let opened =
        unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &mut token) };
    if opened == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was opened above, and nothing else closes it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut privileges = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES {
            Attributes: SE_PRIVILEGE_ENABLED,
            ..Default::default()
        }],
    };
    let id = &mut privileges.Privileges[0].Luid;
    // SAFETY: the name ends with NUL, and `id` may be written.
    if unsafe { LookupPrivilegeValueW(null(), SE_DEBUG_NAME, id) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the token is open with the right to adjust it, and the structure has one privilege.
    // The former state is not requested.
    let adjusted = unsafe {
        AdjustTokenPrivileges(
            token.as_raw_handle(),
            false.into(),
            &privileges,
            0,
            null_mut(),
            null_mut(),
        )
    };
    if adjusted == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the function has no preconditions. A success says whether all were adjusted.
    Ok(unsafe { GetLastError() } == ERROR_SUCCESS)
}
