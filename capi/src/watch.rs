//! `InitializeProcessForWsWatch`, `GetWsChanges` and `GetWsChangesEx`: page faults as they happen.

use crate::convert::to_dword;
use crate::platform::handles::resolve;
use crate::platform::watching;
use crate::types::rights::PROCESS_QUERY_INFORMATION;
use crate::types::{
    BOOL, DWORD, HANDLE, PSAPI_WS_WATCH_INFORMATION, PSAPI_WS_WATCH_INFORMATION_EX, TRUE,
};
use crate::user_memory;
use crate::watch_information::DeliveryError;
use crate::win32_error::{Result, Win32Error};

/// Implements `InitializeProcessForWsWatch`. Replaces an existing record by an empty one.
pub fn initialize(process: HANDLE) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    watching::start(&target)?;
    Ok(TRUE)
}

/// Implements `GetWsChanges`.
pub fn ws_changes(process: HANDLE, to: *mut PSAPI_WS_WATCH_INFORMATION, cb: DWORD) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    match watching::deliver(&target, to, cb as usize) {
        Ok(()) => Ok(TRUE),
        Err(DeliveryError::TooSmall { .. }) => Err(Win32Error::INSUFFICIENT_BUFFER),
        Err(DeliveryError::Win32(error)) => Err(error),
    }
}

/// Implements `GetWsChangesEx`. Writes the required size to `cb` if the buffer is too small.
pub fn ws_changes_ex(
    process: HANDLE,
    to: *mut PSAPI_WS_WATCH_INFORMATION_EX,
    cb: *mut DWORD,
) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_INFORMATION)?;
    let length = user_memory::read(cb)?;
    match watching::deliver(&target, to, length as usize) {
        Ok(()) => Ok(TRUE),
        Err(DeliveryError::TooSmall { needed }) => {
            user_memory::write(cb, &to_dword(needed as u64))?;
            Err(Win32Error::INSUFFICIENT_BUFFER)
        }
        Err(DeliveryError::Win32(error)) => Err(error),
    }
}
