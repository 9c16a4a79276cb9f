use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use crate::error::{Refusal, Result};
use crate::linux::file::Directory;
use crate::linux::kernel_files::KernelFiles;
use crate::linux::modules_dep::{self, normalized};
use crate::linux::{bus_drivers, modules, modules_builtin};
use crate::system::System;

/// A part of the kernel: the kernel image itself, a driver that was loaded into it, or one that
/// was built into it. As in PSAPI, "device driver" is said of every loadable part, also of those
/// that drive no device, such as a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DeviceDriver {
    /// Its name: `vmlinux` for the kernel image, else the kernel's name for the driver, in which
    /// `_` stands for both `-` and `_`. A built-in driver that the kernel knows by no such name
    /// has the one that it registered with its bus.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub name: OsString,
    /// How it came into the kernel.
    pub kind: DriverKind,
    /// Where its code starts. `None` for built-in drivers, which are somewhere in the kernel
    /// image, and for all where the kernel hides addresses from the reader.
    ///
    /// Source: `_text` of `PROC/kallsyms`; `PROC/modules`. Privileges: with `kernel.kptr_restrict`
    /// 0, `CAP_SYSLOG` or a `kernel.perf_event_paranoid` of 1 or less; with 1, `CAP_SYSLOG`; with
    /// 2, nobody sees them.
    pub load_address: Option<u64>,
    /// How much memory it takes up, in bytes. For the kernel image, from `_text` to `_end` of
    /// `PROC/kallsyms`: `None` where addresses are hidden, and on a kernel without
    /// `CONFIG_KALLSYMS_ALL`, which does not tell the end. `None` for built-in drivers.
    pub size: Option<u64>,
    /// The file that it is in, as the path is seen from the system's
    /// [`file_root`](System::file_root). For the kernel image, and so for built-in drivers, the
    /// file that has the running kernel's release in its name: `boot/vmlinuz-RELEASE` or
    /// `lib/modules/RELEASE/vmlinuz`, where that exists. For loaded drivers, the one that
    /// `lib/modules/RELEASE/modules.dep` has for the name; a driver that was loaded from anywhere
    /// else has none.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub file: Option<PathBuf>,
    /// How many users it has, of which [`users`](Self::users) are a part. `None` for the kernel
    /// image and built-in drivers, for one that is on its way out, and on a kernel that can't
    /// unload drivers.
    pub references: Option<u64>,
    /// The loaded drivers that use it, by name.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::texts"))]
    pub users: Vec<OsString>,
    /// Whether it can't be unloaded: true for the kernel image and built-in drivers, and for those
    /// that came without a way to.
    pub permanent: bool,
    /// Whether it is at work.
    pub state: DriverState,
    /// Why it taints the kernel, a letter a reason, as in the kernel's own "Tainted kernels"
    /// table: `P` proprietary, `O` built outside the kernel's tree, `E` unsigned, and so on.
    /// Empty if it does not, and for the kernel image and built-in drivers.
    pub taint: String,
}

/// How a [`DeviceDriver`] came into the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum DriverKind {
    /// The kernel image itself.
    KernelImage,
    /// Loaded from a file of its own: what Linux calls a module.
    Loadable,
    /// A part of the kernel image.
    BuiltIn,
}

/// Whether a [`DeviceDriver`] is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum DriverState {
    /// It is.
    Live,
    /// It is being started.
    Loading,
    /// It is being removed.
    Unloading,
    /// The kernel has a word for it that this version does not know.
    Other,
}

impl System {
    /// The parts of the kernel: first the kernel image, then the loaded drivers, the latest first,
    /// then the built-in ones by name. A driver that is loaded and would be listed as built-in,
    /// too, is listed once.
    ///
    /// Source: `PROC/kallsyms`, `PROC/modules`, `PROC/sys/kernel/osrelease`; `modules.dep` and
    /// `modules.builtin` in `lib/modules/RELEASE` under the [`file_root`](System::file_root);
    /// `SYS/bus/*/drivers/*`. A kernel built without loadable drivers has no `PROC/modules`, and so
    /// no loaded driver. Where one of the other sources is not there or may not be read, what it
    /// would have told is left out. Cost: some 30 ms of CPU time, since finding the kernel image's
    /// end takes a walk through most of its symbols. Privileges: for the addresses, see
    /// [`DeviceDriver::load_address`]; else none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) where the proc root is no proc file
    /// system, [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) where it was mounted
    /// with `subset=pid`, [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where
    /// `PROC/modules` does not parse.
    ///
    /// ```
    /// let drivers = psapi::System::new().device_drivers()?;
    /// assert_eq!(drivers[0].kind, psapi::DriverKind::KernelImage);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    pub fn device_drivers(&self) -> Result<Vec<DeviceDriver>> {
        self.read_drivers()
            .map_err(|refusal| refusal.of_system("list of device drivers"))
    }

    /// The kernel image, and then the loaded drivers, the latest first: the first of
    /// [`device_drivers`](Self::device_drivers), without those that were built in.
    ///
    /// Source: as there. Cost: the first time as there, then cheap, a file for the drivers and one
    /// for their files, since the kernel image stays where it is. Privileges: as there.
    ///
    /// # Errors
    ///
    /// Those of [`device_drivers`](Self::device_drivers).
    #[doc(alias = "EnumDeviceDrivers")]
    #[doc(alias = "GetDeviceDriverBaseName")]
    #[doc(alias = "GetDeviceDriverFileName")]
    pub fn loaded_drivers(&self) -> Result<Vec<DeviceDriver>> {
        let read = || {
            let proc = self.proc_directory()?;
            let files = KernelFiles::open(proc, self.file_root());
            self.read_loaded(proc, &files)
        };
        read().map_err(|refusal: Refusal| refusal.of_system("list of device drivers"))
    }

    fn read_loaded(
        &self,
        proc: &Directory,
        files: &KernelFiles,
    ) -> Result<Vec<DeviceDriver>, Refusal> {
        let mut text = Vec::new();
        let loaded = modules::read(proc, &mut text)?;
        let image = self.kernel_image(proc)?;
        let mut drivers = vec![DeviceDriver {
            load_address: image.start,
            size: image.size(),
            file: files.image(),
            ..DeviceDriver::part_of_image(b"vmlinux".to_vec(), DriverKind::KernelImage)
        }];

        let mut paths: HashMap<_, _> = loaded.iter().map(|m| (normalized(m.name), None)).collect();
        let list = match loaded.is_empty() {
            true => Vec::new(),
            false => files.read(b"modules.dep"),
        };
        for path in modules_dep::files(&list) {
            let name = modules_dep::name_of(path).map(normalized);
            if let Some(place) = name.and_then(|name| paths.get_mut(&name)) {
                *place = files.path_of(path);
            }
        }
        drivers.extend(loaded.iter().map(|module| {
            DeviceDriver {
                file: paths
                    .get_mut(&normalized(module.name))
                    .and_then(Option::take),
                ..DeviceDriver::from(module)
            }
        }));
        Ok(drivers)
    }

    fn read_drivers(&self) -> Result<Vec<DeviceDriver>, Refusal> {
        let proc = self.proc_directory()?;
        let files = KernelFiles::open(proc, self.file_root());
        let mut drivers = self.read_loaded(proc, &files)?;
        let image_file = files.image();
        let names = drivers
            .iter()
            .map(|driver| normalized(driver.name.as_bytes()));
        let loaded: HashSet<_> = names.skip(1).collect();

        let mut built_in: BTreeSet<_> =
            modules_builtin::names(&files.read(b"modules.builtin")).collect();
        let (of_modules, others): (Vec<_>, Vec<_>) = bus_drivers::read(self.sys_root())?
            .into_iter()
            .partition(|driver| driver.module.is_some());
        built_in.extend(
            of_modules
                .iter()
                .filter_map(|d| d.module.as_deref())
                .map(normalized),
        );
        for driver in others {
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
                    ..DeviceDriver::part_of_image(name, DriverKind::BuiltIn)
                }),
        );
        Ok(drivers)
    }
}

impl DeviceDriver {
    fn part_of_image(name: Vec<u8>, kind: DriverKind) -> Self {
        DeviceDriver {
            name: OsString::from_vec(name),
            kind,
            load_address: None,
            size: None,
            file: None,
            references: None,
            users: Vec::new(),
            permanent: true,
            state: DriverState::Live,
            taint: String::new(),
        }
    }
}

impl From<&modules::Module<'_>> for DeviceDriver {
    fn from(module: &modules::Module<'_>) -> Self {
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
            permanent: module.is_permanent(),
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
}
