//! `EnumDeviceDrivers`, `GetDeviceDriverBaseName`, `GetDeviceDriverFileName`.

use std::collections::HashSet;
use std::ptr::null_mut;

use crate::api::*;

pub fn drivers() -> Vec<Address> {
    let mut needed = 0;
    done(|api| (api.EnumDeviceDrivers)(null_mut(), 0, &mut needed));
    let mut bases = vec![null_mut(); needed as usize / 8];
    done(|api| (api.EnumDeviceDrivers)(bases.as_mut_ptr(), needed, &mut needed));
    assert_eq!(needed as usize, 8 * bases.len());
    bases
}

/// The names that the kernel has for what was loaded.
fn loaded() -> Vec<String> {
    let modules = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    modules
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

pub fn base_name(base: Address) -> String {
    let mut name = [0u8; 256];
    let length = done(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), 256));
    assert_eq!(text(&name).len(), length as usize);
    text(&name)
}

pub fn check_names() {
    let drivers = drivers();
    assert_eq!(drivers.len(), 1 + loaded().len());
    let distinct: HashSet<_> = drivers.iter().collect();
    assert_eq!(distinct.len(), drivers.len());
    assert!(drivers.iter().all(|base| !base.is_null()));
    assert!(base_name(drivers[0]).starts_with("vmlinu"));
    for (&base, name) in drivers[1..].iter().zip(loaded()) {
        // The file's name, or the kernel's, which has `_` for `-`.
        let found = base_name(base).replace('-', "_");
        assert_eq!(found.split('.').next(), Some(name.as_str()));
    }
    for &base in &drivers {
        let mut path = [0u8; 4096];
        done(|api| (api.GetDeviceDriverFileNameA)(base, path.as_mut_ptr(), 4096));
        let path = text(&path);
        assert_eq!(path.rsplit('/').next(), Some(base_name(base).as_str()));
        let mut wide = [0u16; 4096];
        done(|api| (api.GetDeviceDriverFileNameW)(base, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), path);
        done(|api| (api.GetDeviceDriverBaseNameW)(base, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), base_name(base));
    }
    // The values stay what they are.
    assert_eq!(self::drivers(), drivers);
}

#[test]
fn enum_device_drivers_has_the_kernel_image_first_and_what_was_loaded() {
    check_names();
}

#[test]
fn values_that_stand_for_hidden_addresses_are_distinct_and_have_names() {
    as_nobody(check_names);
}

#[test]
fn the_kernel_image_is_where_the_kernel_says() {
    let symbols = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let text = symbols.lines().find(|line| line.ends_with(" _text"));
    let address = text.and_then(|line| usize::from_str_radix(line.split(' ').next()?, 16).ok());
    match address {
        None | Some(0) => crate::support::privilege::skip("the kernel hides its addresses"),
        Some(address) => assert_eq!(drivers()[0].addr(), address),
    }
}

#[test]
fn enum_device_drivers_needed_is_what_is_required_and_a_short_buffer_is_success() {
    let drivers = drivers();
    let mut one = [null_mut(); 1];
    let mut needed = 0;
    done(|api| (api.EnumDeviceDrivers)(one.as_mut_ptr(), 8, &mut needed));
    assert_eq!((one[0], needed as usize), (drivers[0], 8 * drivers.len()));
    one = [null_mut()];
    done(|api| (api.EnumDeviceDrivers)(one.as_mut_ptr(), 7, &mut needed));
    assert!(one[0].is_null());
}

#[test]
fn enum_device_drivers_noaccess() {
    let mut needed = 0;
    for to in [null_mut(), nowhere(), read_only()] {
        assert_eq!(
            failed(|api| (api.EnumDeviceDrivers)(to, 8, &mut needed)),
            NOACCESS
        );
        let code = failed(|api| (api.EnumDeviceDrivers)([null_mut()].as_mut_ptr(), 8, to.cast()));
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn get_device_driver_base_name_invalid_handle_for_an_unknown_base() {
    let real = drivers()[0].addr();
    for value in [0, 1, real + 1, real ^ 0x1000, usize::MAX] {
        let base = std::ptr::without_provenance_mut(value);
        let mut name = [0u8; 64];
        let code = failed(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
        let code = failed(|api| (api.GetDeviceDriverFileNameA)(base, name.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
    }
}

#[test]
fn get_device_driver_base_name_insufficient_buffer_returns_0() {
    let base = drivers()[0];
    let length = base_name(base).len() as u32;
    let mut name = [7u8; 64];
    for size in [0, 1, length] {
        let code = failed(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER);
        let code = failed(|api| (api.GetDeviceDriverFileNameA)(base, name.as_mut_ptr(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER);
    }
    assert_eq!(name, [7; 64]);
    done(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), length + 1));
}

#[test]
fn get_device_driver_base_name_noaccess() {
    let base = drivers()[0];
    for to in [null_mut(), nowhere(), read_only()] {
        let code = failed(|api| (api.GetDeviceDriverBaseNameA)(base, to, 64));
        assert_eq!(code, NOACCESS);
    }
}
