//! `EnumProcessModules` and what is asked about a module.

use psapi::{Module, ModuleFilter};

use crate::address::{narrow, pointer};
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::handles::{Target, resolve};
use crate::text::{Room, Unit};
use crate::types::rights::{PROCESS_QUERY_INFORMATION, PROCESS_VM_READ};
use crate::types::{BOOL, DWORD, HANDLE, HMODULE, MODULEINFO, TRUE};

const RIGHTS: DWORD = PROCESS_QUERY_INFORMATION | PROCESS_VM_READ;

pub fn enumerate(process: HANDLE, to: *mut HMODULE, cb: DWORD, needed: *mut DWORD) -> Answer<BOOL> {
    enumerate_some(process, to, cb, needed, 0)
}

/// As many modules as fit; `needed` is told how much room all take.
pub fn enumerate_some(
    process: HANDLE,
    to: *mut HMODULE,
    cb: DWORD,
    needed: *mut DWORD,
    filter: DWORD,
) -> Answer<BOOL> {
    let target = resolve(process, RIGHTS)?;
    let filter = match (filter, filter & 3) {
        (0, _) | (_, 3) => ModuleFilter::All,
        (_, 1) => ModuleFilter::Only32Bit,
        (_, 2) => ModuleFilter::Only64Bit,
        _ => return Err(Code::INVALID_PARAMETER),
    };
    let modules = target
        .process
        .modules(filter)
        .map_err(|error| Code::of_memory(&error))?;
    caller::fill(to, cb, modules.iter().map(|module| pointer(module.base)))?;
    let all = modules.len() * size_of::<HMODULE>();
    caller::write(needed, &narrow(all as u64))?;
    Ok(TRUE)
}

/// The module that starts at an address; the executable where none is given.
fn find(target: &Target, module: HMODULE) -> Answer<Module> {
    let found = match module.is_null() {
        true => target.process.executable(),
        false => target.process.module(module.addr() as u64),
    };
    found.map_err(|error| match error.kind() {
        psapi::ErrorKind::InvalidParameter => Code::INVALID_HANDLE,
        _ => Code::of_memory(&error),
    })
}

pub fn base_name<U: Unit>(
    process: HANDLE,
    module: HMODULE,
    to: *mut U,
    units: DWORD,
) -> Answer<DWORD> {
    let target = resolve(process, RIGHTS)?;
    Room { to, units }.fill(find(&target, module)?.name())
}

pub fn file_name<U: Unit>(
    process: HANDLE,
    module: HMODULE,
    to: *mut U,
    units: DWORD,
) -> Answer<DWORD> {
    let target = resolve(process, RIGHTS)?;
    Room { to, units }.fill(find(&target, module)?.path)
}

pub fn information(
    process: HANDLE,
    module: HMODULE,
    to: *mut MODULEINFO,
    cb: DWORD,
) -> Answer<BOOL> {
    let target = resolve(process, RIGHTS)?;
    if (cb as usize) < size_of::<MODULEINFO>() {
        return Err(Code::INSUFFICIENT_BUFFER);
    }
    let module = find(&target, module)?;
    let information = MODULEINFO {
        lpBaseOfDll: pointer(module.base),
        SizeOfImage: narrow(module.size),
        #[cfg(target_pointer_width = "64")]
        Reserved: 0,
        EntryPoint: module.entry_point.map_or(std::ptr::null_mut(), pointer),
    };
    caller::write(to, &information)?;
    Ok(TRUE)
}
