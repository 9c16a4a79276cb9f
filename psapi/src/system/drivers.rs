//! The device drivers of a system.

use crate::driver::DeviceDriver;
use crate::error::{Operation, Result};
use crate::sys;
use crate::system::System;

impl System {
    /// Lists the parts of the kernel: the kernel image, then the loaded drivers from the newest to
    /// the oldest, then the built-in drivers by name. A driver that is both loaded and listed as
    /// built-in is returned once, as loaded.
    ///
    /// On Windows, drivers are in load order, and none is built in. Source on Windows:
    /// `SystemModuleInformationEx`. Cost: cheap, one call.
    ///
    /// Source on Linux: `PROC/kallsyms`, `PROC/modules`, `PROC/sys/kernel/osrelease`; `modules.dep`
    /// and `modules.builtin` in `lib/modules/RELEASE` below `SystemBuilder::file_root`;
    /// `SYS/bus/*/drivers/*`. A kernel built without
    /// loadable drivers has no `PROC/modules`, and so no loaded drivers. If one of the other
    /// sources is missing or not readable, its data is left out.
    ///
    /// Cost: about 30 ms of CPU time, because most kernel symbols are read to find the end of the
    /// kernel image. Privileges: for addresses, see [`DeviceDriver::load_address`]; otherwise none.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) if the proc root is not a proc file
    ///   system.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) if it was mounted with
    ///   `subset=pid`.
    /// - [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if `PROC/modules` does not parse.
    ///
    /// ```
    /// let drivers = psapi::System::new().device_drivers()?;
    /// assert_eq!(drivers[0].kind, psapi::DriverKind::KernelImage);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    pub fn device_drivers(&self) -> Result<Vec<DeviceDriver>> {
        sys::device_drivers(self.inner())
            .map_err(|source| self.error(Operation::LIST_DRIVERS, source))
    }

    /// Lists the kernel image and then the loaded drivers, from the newest to the oldest; on Windows
    /// in load order. This is
    /// [`device_drivers`](Self::device_drivers) without the built-in drivers.
    ///
    /// Source and privileges: the same as for [`device_drivers`](Self::device_drivers). Cost: the
    /// first call costs the same. Later calls are cheap, because the kernel image does not move:
    /// one file for the drivers, and one for the paths of their files.
    ///
    /// # Errors
    ///
    /// The same as for [`device_drivers`](Self::device_drivers).
    #[doc(alias = "EnumDeviceDrivers")]
    #[doc(alias = "GetDeviceDriverBaseName")]
    #[doc(alias = "GetDeviceDriverFileName")]
    pub fn loaded_drivers(&self) -> Result<Vec<DeviceDriver>> {
        sys::loaded_drivers(self.inner())
            .map_err(|source| self.error(Operation::LIST_DRIVERS, source))
    }
}
