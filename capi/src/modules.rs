//! `EnumProcessModules`, `EnumProcessModulesEx`, `GetModuleBaseName`, `GetModuleFileNameEx` and
//! `GetModuleInformation`.

use psapi::{Module, ModuleFilter};

use crate::convert::{to_dword, to_pointer};
use crate::platform::handles::Target;
use crate::platform::handles::resolve;
use crate::text::{CodeUnit, OutBuffer};
use crate::types::rights::{PROCESS_QUERY_INFORMATION, PROCESS_VM_READ};
use crate::types::{BOOL, DWORD, HANDLE, HMODULE, MODULEINFO, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

const RIGHTS: DWORD = PROCESS_QUERY_INFORMATION | PROCESS_VM_READ;

/// Whether programs get all modules for every valid filter, as documented for 32-bit programs on
/// 64-bit Windows. Such programs have no 64-bit modules, so the filter could only exclude all
/// modules, with `LIST_MODULES_64BIT`.
const IGNORES_FILTER: bool = cfg!(all(windows, target_pointer_width = "32"));

/// Implements `EnumProcessModules`.
pub fn enumerate(process: HANDLE, to: *mut HMODULE, cb: DWORD, needed: *mut DWORD) -> Result<BOOL> {
    enumerate_filtered(process, to, cb, needed, 0)
}

/// Implements `EnumProcessModulesEx`. Writes as many modules as fit, and stores the size of all of
/// them in `needed`.
pub fn enumerate_filtered(
    process: HANDLE,
    to: *mut HMODULE,
    cb: DWORD,
    needed: *mut DWORD,
    filter: DWORD,
) -> Result<BOOL> {
    let target = resolve(process, RIGHTS)?;
    // `LIST_MODULES_DEFAULT` is 0, `LIST_MODULES_32BIT` bit 0 and `LIST_MODULES_64BIT` bit 1.
    let filter = match (filter, filter & 3) {
        (0, _) | (_, 3) => ModuleFilter::All,
        (_, 1 | 2) if IGNORES_FILTER => ModuleFilter::All,
        (_, 1) => ModuleFilter::Only32Bit,
        (_, 2) => ModuleFilter::Only64Bit,
        _ => return Err(Win32Error::INVALID_PARAMETER),
    };
    let modules = target
        .process
        .modules(filter)
        .map_err(|error| Win32Error::from_memory_error(&error))?;
    if let Some(first) = modules.first() {
        check_executable(&target.process, first)?;
    }
    let bases = modules.iter().map(|module| to_pointer(module.base));
    user_memory::write_fitting(to, cb, bases)?;
    let size = modules.len() * size_of::<HMODULE>();
    user_memory::write(needed, &to_dword(size as u64))?;
    Ok(TRUE)
}

/// Fails if the program's image is no longer mapped. Callers take the first module for the
/// executable, so another module must not be in its place.
fn check_executable(process: &psapi::Process, first: &Module) -> Result<()> {
    let image = process.image_file().ok().flatten();
    if image.is_some_and(|image| image.path == first.path) {
        return Ok(());
    }
    match process.executable() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == psapi::ErrorKind::InvalidParameter => {
            Err(Win32Error::PARTIAL_COPY)
        }
        Err(error) => Err(Win32Error::from_memory_error(&error)),
    }
}

/// Finds the module with a base address; a null pointer means the executable.
fn find(target: &Target, module: HMODULE) -> Result<Module> {
    let found = if module.is_null() {
        target.process.executable()
    } else {
        target.process.module(module.addr() as u64)
    };
    found.map_err(|error| match error.kind() {
        psapi::ErrorKind::InvalidParameter => Win32Error::INVALID_HANDLE,
        _ => Win32Error::from_memory_error(&error),
    })
}

/// Implements `GetModuleBaseName`.
pub fn base_name<U: CodeUnit>(
    process: HANDLE,
    module: HMODULE,
    to: *mut U,
    capacity: DWORD,
) -> Result<DWORD> {
    let target = resolve(process, RIGHTS)?;
    OutBuffer::new(to, capacity).write_truncated(find(&target, module)?.name())
}

/// Implements `GetModuleFileNameEx`.
pub fn file_name<U: CodeUnit>(
    process: HANDLE,
    module: HMODULE,
    to: *mut U,
    capacity: DWORD,
) -> Result<DWORD> {
    let target = resolve(process, RIGHTS)?;
    OutBuffer::new(to, capacity).write_truncated(find(&target, module)?.path)
}

/// Implements `GetModuleInformation`.
pub fn information(
    process: HANDLE,
    module: HMODULE,
    to: *mut MODULEINFO,
    cb: DWORD,
) -> Result<BOOL> {
    let target = resolve(process, RIGHTS)?;
    if (cb as usize) < size_of::<MODULEINFO>() {
        return Err(Win32Error::INSUFFICIENT_BUFFER);
    }
    let module = find(&target, module)?;
    let information = MODULEINFO {
        lpBaseOfDll: to_pointer(module.base),
        SizeOfImage: to_dword(module.size),
        #[cfg(target_pointer_width = "64")]
        Reserved: 0,
        EntryPoint: module.entry_point.map_or(std::ptr::null_mut(), to_pointer),
    };
    user_memory::write(to, &information)?;
    Ok(TRUE)
}
