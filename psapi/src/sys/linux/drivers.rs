//! The parts of the kernel: its image, loaded drivers and built-in drivers.
//!
//! No single source lists them. `kallsyms` shows where the image is, `PROC/modules` lists the
//! loaded drivers, and `modules.builtin` lists the built-in ones. Drivers that are in neither list
//! but registered with a bus appear only below `SYS/bus`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use crate::driver::{DeviceDriver, DriverKind, DriverState};
use crate::error::SourceError;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::kernel_files::KernelFiles;
use crate::sys::linux::modules_builtin;
use crate::sys::linux::modules_dep::{self, normalized};
use crate::sys::linux::proc::kernel_modules;
use crate::sys::linux::sysfs::bus_drivers;
use crate::sys::linux::system::System;

/// Lists the kernel image and the loaded drivers.
pub(crate) fn loaded_drivers(system: &System) -> Result<Vec<DeviceDriver>, SourceError> {
    let proc = system.proc_directory()?;
    let files = KernelFiles::open(proc, system.file_root());
    read_loaded(system, proc, &files)
}

/// Lists the kernel image, the loaded and the built-in drivers.
pub(crate) fn device_drivers(system: &System) -> Result<Vec<DeviceDriver>, SourceError> {
    let proc = system.proc_directory()?;
    let files = KernelFiles::open(proc, system.file_root());
    let mut drivers = read_loaded(system, proc, &files)?;
    let image_file = files.image();
    let names = drivers
        .iter()
        .map(|driver| normalized(driver.name.as_bytes()));
    // The first name is that of the kernel image.
    let loaded: HashSet<_> = names.skip(1).collect();

    let mut built_in: BTreeSet<_> =
        modules_builtin::names(&files.read(b"modules.builtin")).collect();
    let (with_module, without_module): (Vec<_>, Vec<_>) = bus_drivers::read(system.sys_root())?
        .into_iter()
        .partition(|driver| driver.module.is_some());
    built_in.extend(
        with_module
            .iter()
            .filter_map(|driver| driver.module.as_deref())
            .map(normalized),
    );
    // A driver without a link to its module can still be known from another source. Otherwise it
    // keeps the spelling of its bus, with `-` and `_`.
    for driver in without_module {
        let name = normalized(&driver.name);
        if !built_in.contains(&name) && !loaded.contains(&name) {
            built_in.insert(driver.name);
        }
    }
    drivers.extend(
        built_in
            .into_iter()
            .filter(|name| !loaded.contains(name))
            .map(|name| DeviceDriver {
                file: image_file.clone(),
                ..part_of_image(name, DriverKind::BuiltIn)
            }),
    );
    Ok(drivers)
}

fn read_loaded(
    system: &System,
    proc: &Dir,
    files: &KernelFiles,
) -> Result<Vec<DeviceDriver>, SourceError> {
    let mut text = Vec::new();
    let loaded = kernel_modules::read(proc, &mut text)?;
    let image = system.kernel_image(proc)?;
    let mut drivers = vec![DeviceDriver {
        load_address: image.start,
        size: image.size(),
        file: files.image(),
        ..part_of_image(b"vmlinux".to_vec(), DriverKind::KernelImage)
    }];

    let mut paths: HashMap<_, _> = loaded.iter().map(|m| (normalized(m.name), None)).collect();
    let list = if loaded.is_empty() {
        Vec::new()
    } else {
        files.read(b"modules.dep")
    };
    for path in modules_dep::files(&list) {
        let name = modules_dep::name_of(path).map(normalized);
        if let Some(entry) = name.and_then(|name| paths.get_mut(&name)) {
            *entry = files.path_of(path);
        }
    }
    drivers.extend(loaded.iter().map(|module| {
        DeviceDriver {
            file: paths
                .get_mut(&normalized(module.name))
                .and_then(Option::take),
            ..loaded_driver(module)
        }
    }));
    Ok(drivers)
}

/// Describes the kernel image or a driver in it.
fn part_of_image(name: Vec<u8>, kind: DriverKind) -> DeviceDriver {
    DeviceDriver {
        name: OsString::from_vec(name),
        kind,
        load_address: None,
        size: None,
        file: None,
        references: None,
        users: Vec::new(),
        permanent: Some(true),
        state: DriverState::Live,
        taint: String::new(),
    }
}

/// Describes a loaded driver, except for its file.
fn loaded_driver(module: &kernel_modules::Module<'_>) -> DeviceDriver {
    DeviceDriver {
        name: OsString::from_vec(module.name.to_vec()),
        kind: DriverKind::Loadable,
        load_address: module.address,
        size: Some(module.size),
        file: None,
        references: module.references,
        users: module
            .users()
            .map(|user| OsString::from_vec(user.to_vec()))
            .collect(),
        permanent: Some(module.is_permanent()),
        state: match module.state {
            b"Live" => DriverState::Live,
            b"Loading" => DriverState::Loading,
            b"Unloading" => DriverState::Unloading,
            _ => DriverState::Other,
        },
        taint: module
            .taint
            .iter()
            .filter(|letter| letter.is_ascii_alphabetic())
            .map(|&letter| char::from(letter))
            .collect(),
    }
}
