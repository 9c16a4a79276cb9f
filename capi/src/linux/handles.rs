//! `OpenProcess`, `CloseHandle` and `GetCurrentProcess`, and the lookup of handles for all other
//! functions.

use std::sync::Arc;

use psapi::{Access, Process};

pub use crate::linux::handle_table::Target;
use crate::linux::handle_table::{Object, OpenHandle};
use crate::linux::handle_values::significant;
use crate::linux::state;
use crate::system::system;
use crate::types::rights::{
    MAXIMUM_ALLOWED, PROCESS_ALL_ACCESS, PROCESS_QUERY_INFORMATION,
    PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_TERMINATE,
};
use crate::types::{BOOL, DWORD, HANDLE, TRUE};
use crate::win32_error::{Result, Win32Error};

/// Implements `GetCurrentProcess`. Returns the pseudo handle -1.
pub fn current() -> HANDLE {
    std::ptr::without_provenance_mut(usize::MAX)
}

/// Returns true for the pseudo handle, also after truncation to 32 bits.
fn is_pseudo(handle: HANDLE) -> bool {
    significant(handle) == Some(u32::MAX)
}

/// Returns the process of a handle, if the handle has all of the given rights.
pub fn resolve(handle: HANDLE, rights: DWORD) -> Result<Arc<Target>> {
    let handle = if is_pseudo(handle) {
        OpenHandle {
            target: own_process()?,
            access: PROCESS_ALL_ACCESS,
        }
    } else {
        match object(handle)? {
            Object::Process(handle) => handle,
            _ => return Err(Win32Error::INVALID_HANDLE),
        }
    };
    if handle.access & rights == rights {
        Ok(handle.target)
    } else {
        Err(Win32Error::ACCESS_DENIED)
    }
}

/// Returns what a handle refers to.
pub fn object(handle: HANDLE) -> Result<Object> {
    state::with(|state| state.handles.get(handle).cloned()).ok_or(Win32Error::INVALID_HANDLE)
}

/// Returns the calling process.
pub fn own_process() -> Result<Arc<Target>> {
    let id = std::process::id();
    let is_own = |target: &Arc<Target>| target.process.id().get() == id;
    let cached = state::with(|state| state.handles.own());
    if let Some(target) = cached.filter(is_own) {
        return Ok(target);
    }
    let process = system()
        .current_process()
        .map_err(|error| Win32Error::from_process_error(&error))?;
    let target = shared_target(process);
    // After a fork, this is the parent's target. It is dropped after the lock is released.
    let _previous = state::with(|state| state.handles.replace_own(Arc::clone(&target)));
    Ok(target)
}

/// Returns the target that other handles of the process use, or a new one.
fn shared_target(process: Process) -> Arc<Target> {
    let id = process.id().get();
    let existing = state::with(|state| state.handles.target(id));
    // If the existing target still has the id, it had the id when `process` was pinned. So both are
    // the same process.
    if let Some(existing) = existing.filter(|existing| existing.still_has_id()) {
        return existing;
    }
    let target = Target::new(process);
    state::with(|state| state.handles.add_target(&target));
    target
}

/// Implements `OpenProcess`. `inherit` has no effect: programs that the caller executes inherit no
/// handles.
pub fn open(access: DWORD, _inherit: BOOL, id: DWORD) -> Result<HANDLE> {
    if id == 0 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let process = system()
        .process(id)
        .map_err(|error| Win32Error::from_system_error(&error))?;
    let access = granted(&process, access)?;
    let target = shared_target(process);
    let object = Object::Process(OpenHandle { target, access });
    state::with(|state| state.handles.insert(object))
}

/// Returns the rights of a new handle: all requested ones, or an error.
fn granted(process: &Process, requested: DWORD) -> Result<DWORD> {
    /// Rights that every caller has: limited information, the standard rights and `SYNCHRONIZE`.
    const UNRESTRICTED: DWORD = PROCESS_QUERY_LIMITED_INFORMATION | 0x1F_0000;

    let available = match requested & !(UNRESTRICTED | MAXIMUM_ALLOWED) {
        0 if requested & MAXIMUM_ALLOWED == 0 => UNRESTRICTED,
        _ => {
            let access = process
                .access()
                .map_err(|error| Win32Error::from_process_error(&error))?;
            // A caller that can read a process's memory can trace the process. So the caller gets
            // all rights, including those that no function here uses. Only `PROCESS_TERMINATE`
            // requires the permission to send signals instead. The rights include
            // `PROCESS_SET_QUOTA`, although emptying a working set can require another privilege.
            // Programs request all rights by habit, and few of them empty a working set.
            let rights_if = |kind, rights| if access.contains(kind) { rights } else { 0 };
            UNRESTRICTED
                | rights_if(Access::READ, PROCESS_ALL_ACCESS & !PROCESS_TERMINATE)
                | rights_if(Access::TERMINATE, PROCESS_TERMINATE)
        }
    };
    let granted = if requested & MAXIMUM_ALLOWED != 0 {
        available
    } else {
        requested & available
    };
    if requested & !(available | MAXIMUM_ALLOWED) != 0 {
        return Err(Win32Error::ACCESS_DENIED);
    }
    // As the API defines, `PROCESS_QUERY_INFORMATION` includes the limited right.
    Ok(if granted & PROCESS_QUERY_INFORMATION != 0 {
        granted | PROCESS_QUERY_LIMITED_INFORMATION
    } else {
        granted
    })
}

/// Implements `CloseHandle`. Closing the pseudo handle has no effect.
pub fn close(handle: HANDLE) -> Result<BOOL> {
    if handle == current() {
        return Ok(TRUE);
    }
    // The target is dropped after the lock is released.
    let removed = state::with(|state| state.handles.remove(handle));
    removed.map(|_| TRUE).ok_or(Win32Error::INVALID_HANDLE)
}
