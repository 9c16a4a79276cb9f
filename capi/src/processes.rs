//! `EnumProcesses` and `GetProcessImageFileName`.

use crate::address::narrow;
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::handles::resolve;
use crate::system::system;
use crate::text::{Room, Unit};
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{BOOL, DWORD, HANDLE, TRUE};

/// As many ids as fit; `needed` is told how much was written.
pub fn enumerate(to: *mut DWORD, cb: DWORD, needed: *mut DWORD) -> Answer<BOOL> {
    let ids = system()
        .process_ids()
        .map_err(|error| Code::of_system(&error))?;
    let written = caller::fill(to, cb, ids.iter().map(|id| id.get()))?;
    caller::write(needed, &narrow((written * size_of::<DWORD>()) as u64))?;
    Ok(TRUE)
}

pub fn image_file_name<U: Unit>(process: HANDLE, to: *mut U, units: DWORD) -> Answer<DWORD> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    if units == 0 {
        return Err(Code::INSUFFICIENT_BUFFER);
    }
    let image = target
        .process
        .image_file()
        .map_err(|error| Code::of_process(&error))?;
    // A kernel thread has none.
    let image = image.ok_or(Code::GEN_FAILURE)?;
    Room { to, units }.fill_whole(image.path)
}
