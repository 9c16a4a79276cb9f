//! `EnumDeviceDrivers`, `GetDeviceDriverBaseName` and `GetDeviceDriverFileName`.

use std::path::{Path, PathBuf};

use psapi::DeviceDriver;

use crate::convert::{to_dword, to_pointer};
use crate::platform::state;
use crate::system::system;
use crate::text::{CodeUnit, OutBuffer};
use crate::types::{BOOL, DWORD, LPVOID, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Returns the kernel image and the loaded drivers. Each has its load address, or the substitute if
/// the kernel hides the address.
fn list() -> Result<Vec<(u64, DeviceDriver)>> {
    let drivers = system()
        .loaded_drivers()
        .map_err(|error| Win32Error::from_system_error(&error))?;
    Ok(state::with(|state| {
        let base = |driver: &DeviceDriver| {
            let substitute = || state.hidden_bases.get_or_assign(&driver.name);
            driver.load_address.unwrap_or_else(substitute)
        };
        let bases: Vec<u64> = drivers.iter().map(base).collect();
        bases.into_iter().zip(drivers).collect()
    }))
}

/// Implements `EnumDeviceDrivers`. Writes as many addresses as fit, and stores the size of all of
/// them in `needed`.
pub fn enumerate(to: *mut LPVOID, cb: DWORD, needed: *mut DWORD) -> Result<BOOL> {
    let drivers = list()?;
    user_memory::write_fitting(to, cb, drivers.iter().map(|&(base, _)| to_pointer(base)))?;
    let size = drivers.len() * size_of::<LPVOID>();
    user_memory::write(needed, &to_dword(size as u64))?;
    Ok(TRUE)
}

/// Returns the file of a driver, or the name of the driver if its file is unknown.
fn file(base: LPVOID) -> Result<PathBuf> {
    let drivers = list()?;
    let wanted = base.addr() as u64;
    let (_, driver) = drivers
        .into_iter()
        .find(|&(base, _)| base == wanted)
        .ok_or(Win32Error::INVALID_HANDLE)?;
    Ok(driver.file.unwrap_or_else(|| driver.name.into()))
}

/// Implements `GetDeviceDriverBaseName`.
pub fn base_name<U: CodeUnit>(base: LPVOID, to: *mut U, capacity: DWORD) -> Result<DWORD> {
    let file = file(base)?;
    let name = Path::new(file.file_name().unwrap_or_default());
    OutBuffer::new(to, capacity).write_whole(name)
}

/// Implements `GetDeviceDriverFileName`.
pub fn file_name<U: CodeUnit>(base: LPVOID, to: *mut U, capacity: DWORD) -> Result<DWORD> {
    OutBuffer::new(to, capacity).write_whole(file(base)?)
}
