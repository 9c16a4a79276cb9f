//! `EnumDeviceDrivers` and what is asked about a driver.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use psapi::DeviceDriver;

use crate::address::{narrow, pointer};
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::shared;
use crate::system::system;
use crate::text::{Room, Unit};
use crate::types::{BOOL, DWORD, LPVOID, TRUE};

/// What stands for the load addresses of drivers that the kernel hides: one value for each name,
/// as long as the caller runs.
#[derive(Debug)]
pub struct Known(BTreeMap<OsString, u64>);

impl Known {
    pub const fn new() -> Self {
        Known(BTreeMap::new())
    }

    /// They are far below where a kernel is.
    fn value(&mut self, name: &OsStr) -> u64 {
        if let Some(&value) = self.0.get(name) {
            return value;
        }
        let value = 16 * (self.0.len() as u64 + 1);
        self.0.insert(name.to_owned(), value);
        value
    }
}

/// The kernel image and the drivers that were loaded, each with the value that stands for it.
fn list() -> Answer<Vec<(u64, DeviceDriver)>> {
    let drivers = system()
        .loaded_drivers()
        .map_err(|error| Code::of_system(&error))?;
    Ok(shared::with(|shared| {
        let value = |driver: &DeviceDriver| {
            let hidden = || shared.drivers.value(&driver.name);
            driver.load_address.unwrap_or_else(hidden)
        };
        let values: Vec<u64> = drivers.iter().map(value).collect();
        values.into_iter().zip(drivers).collect()
    }))
}

/// As many as fit; `needed` is told how much room all take.
pub fn enumerate(to: *mut LPVOID, cb: DWORD, needed: *mut DWORD) -> Answer<BOOL> {
    let drivers = list()?;
    caller::fill(to, cb, drivers.iter().map(|&(value, _)| pointer(value)))?;
    let all = drivers.len() * size_of::<LPVOID>();
    caller::write(needed, &narrow(all as u64))?;
    Ok(TRUE)
}

/// The file of a driver, or its name where the file is not known.
fn file(base: LPVOID) -> Answer<PathBuf> {
    let drivers = list()?;
    let wanted = base.addr() as u64;
    let (_, driver) = drivers
        .into_iter()
        .find(|&(value, _)| value == wanted)
        .ok_or(Code::INVALID_HANDLE)?;
    Ok(driver.file.unwrap_or_else(|| driver.name.into()))
}

pub fn base_name<U: Unit>(base: LPVOID, to: *mut U, units: DWORD) -> Answer<DWORD> {
    let file = file(base)?;
    Room { to, units }.fill_whole(Path::new(file.file_name().unwrap_or_default()))
}

pub fn file_name<U: Unit>(base: LPVOID, to: *mut U, units: DWORD) -> Answer<DWORD> {
    Room { to, units }.fill_whole(file(base)?)
}
