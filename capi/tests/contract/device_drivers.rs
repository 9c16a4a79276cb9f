//! `EnumDeviceDrivers`, `GetDeviceDriverBaseName`, `GetDeviceDriverFileName`.

use std::collections::HashSet;
use std::ptr::null_mut;

use crate::api::*;

/// Returns the load addresses of all drivers.
pub fn drivers() -> Vec<Address> {
    let mut needed = 0;
    succeed(|api| (api.EnumDeviceDrivers)(null_mut(), 0, &mut needed));
    let mut bases = vec![null_mut(); needed as usize / WORD];
    succeed(|api| (api.EnumDeviceDrivers)(bases.as_mut_ptr(), needed, &mut needed));
    assert_eq!(needed as usize, WORD * bases.len());
    bases
}

/// Returns the names of the loaded drivers, in the order of `/proc/modules`.
#[cfg(target_os = "linux")]
fn loaded() -> Vec<String> {
    let modules = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    modules
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// Returns the file name of a driver.
pub fn base_name(base: Address) -> String {
    let mut name = [0u8; 256];
    let length = succeed(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), 256));
    assert_eq!(text(&name).len(), length as usize);
    text(&name)
}

/// Checks the list against `/proc/modules`.
#[cfg(target_os = "linux")]
fn check_list(drivers: &[Address]) {
    assert_eq!(drivers.len(), 1 + loaded().len());
    assert!(base_name(drivers[0]).starts_with("vmlinu"));
    for (&base, name) in drivers[1..].iter().zip(loaded()) {
        // File names can contain `-`, which the kernel replaces by `_` in driver names.
        let found = base_name(base).replace('-', "_");
        assert_eq!(found.split('.').next(), Some(name.as_str()));
    }
}

/// Checks that the list has the kernel.
#[cfg(windows)]
fn check_list(drivers: &[Address]) {
    let kernel = base_name(drivers[0]).to_lowercase();
    assert!(
        kernel.starts_with("ntoskrnl") || kernel.starts_with("nt"),
        "{kernel}"
    );
}

/// Checks that the list is right and that all name functions agree.
pub fn check_names() {
    let drivers = drivers();
    check_list(&drivers);
    let distinct: HashSet<_> = drivers.iter().collect();
    assert_eq!(distinct.len(), drivers.len());
    assert!(drivers.iter().all(|base| !base.is_null()));
    for &base in &drivers {
        let mut path = [0u8; 4096];
        succeed(|api| (api.GetDeviceDriverFileNameA)(base, path.as_mut_ptr(), 4096));
        let path = text(&path);
        assert_eq!(
            path.rsplit(['/', '\\']).next(),
            Some(base_name(base).as_str())
        );
        let mut wide = [0u16; 4096];
        succeed(|api| (api.GetDeviceDriverFileNameW)(base, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), path);
        succeed(|api| (api.GetDeviceDriverBaseNameW)(base, wide.as_mut_ptr(), 4096));
        assert_eq!(wide_text(&wide), base_name(base));
    }
    // Substitutes for hidden addresses are stable.
    assert_eq!(self::drivers(), drivers);
}

#[test]
fn lists_kernel_image_then_loaded_drivers() {
    check_names();
}

/// Without privileges, the kernel reports every address as 0. The library substitutes other values.
#[cfg(target_os = "linux")]
#[test]
fn hidden_bases_are_distinct_and_named() {
    unprivileged(check_names);
}

#[cfg(target_os = "linux")]
#[test]
fn kernel_image_base_matches_kallsyms() {
    let symbols = std::fs::read_to_string("/proc/kallsyms").unwrap_or_default();
    let text = symbols.lines().find(|line| line.ends_with(" _text"));
    let address = text.and_then(|line| usize::from_str_radix(line.split(' ').next()?, 16).ok());
    match address {
        None | Some(0) => testing::skip("the kernel hides its addresses"),
        Some(address) => assert_eq!(drivers()[0].addr(), address),
    }
}

#[test]
fn short_buffer_reports_required_size() {
    let drivers = drivers();
    let mut one = [null_mut(); 1];
    let mut needed = 0;
    succeed(|api| (api.EnumDeviceDrivers)(one.as_mut_ptr(), WORD as u32, &mut needed));
    assert_eq!(
        (one[0], needed as usize),
        (drivers[0], WORD * drivers.len())
    );
    one = [null_mut()];
    succeed(|api| (api.EnumDeviceDrivers)(one.as_mut_ptr(), WORD as u32 - 1, &mut needed));
    assert!(one[0].is_null());
}

#[test]
fn list_rejects_unwritable_memory() {
    let mut needed = 0;
    for pointer in [null_mut(), unmapped(), read_only()] {
        assert_eq!(
            fail(|api| (api.EnumDeviceDrivers)(pointer, WORD as u32, &mut needed)),
            NOACCESS
        );
        let code = fail(|api| {
            (api.EnumDeviceDrivers)([null_mut()].as_mut_ptr(), WORD as u32, pointer.cast())
        });
        assert_eq!(code, NOACCESS);
    }
}

#[test]
fn names_reject_unknown_base() {
    let real = drivers()[0].addr();
    for value in [0, 1, real + 1, real ^ 0x1000, usize::MAX] {
        let base = std::ptr::without_provenance_mut(value);
        let mut name = [0u8; 64];
        let code = fail(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
        let code = fail(|api| (api.GetDeviceDriverFileNameA)(base, name.as_mut_ptr(), 64));
        assert_eq!(code, INVALID_HANDLE);
    }
}

#[test]
fn names_reject_short_buffer() {
    let base = drivers()[0];
    let length = base_name(base).len() as u32;
    let mut name = [7u8; 64];
    for size in [0, 1, length] {
        let code = fail(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER);
        let code = fail(|api| (api.GetDeviceDriverFileNameA)(base, name.as_mut_ptr(), size));
        assert_eq!(code, INSUFFICIENT_BUFFER);
    }
    assert_eq!(name, [7; 64]);
    succeed(|api| (api.GetDeviceDriverBaseNameA)(base, name.as_mut_ptr(), length + 1));
}

#[test]
fn base_name_rejects_unwritable_memory() {
    let base = drivers()[0];
    for pointer in [null_mut(), unmapped(), read_only()] {
        let code = fail(|api| (api.GetDeviceDriverBaseNameA)(base, pointer, 64));
        assert_eq!(code, NOACCESS);
    }
}
