//! Device drivers: the parts of the kernel.

use std::ffi::OsString;
use std::path::PathBuf;

/// A part of the kernel: the kernel image itself, a loaded driver or a built-in driver.
///
/// As in PSAPI, every loadable part is called a device driver, even one that drives no device, such
/// as a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DeviceDriver {
    /// The name. On Windows the name of the file. On Linux `vmlinux` for the kernel image, otherwise the kernel's name for the driver, in
    /// which `_` stands for both `-` and `_`. A built-in driver without such a name has the name
    /// that it registered with its bus.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::text"))]
    pub name: OsString,
    /// How the part came into the kernel.
    pub kind: DriverKind,
    /// The address where the code starts. `None` for built-in drivers, which are part of the kernel
    /// image, and if the kernel hides addresses from the caller.
    ///
    /// Source on Windows: `ImageBase` in `SystemModuleInformationEx`. Newer versions, such as Windows
    /// 11 24H2, require `SeDebugPrivilege` for it.
    ///
    /// Source on Linux: `_text` in `PROC/kallsyms`; `PROC/modules`. Privileges depend on
    /// `kernel.kptr_restrict`. At 0, `CAP_SYSLOG` or a `kernel.perf_event_paranoid` of at most 1 is
    /// required, and at 1 `CAP_SYSLOG`. At 2, the kernel hides addresses from everyone.
    pub load_address: Option<u64>,
    /// The size in memory, in bytes. `None` for built-in drivers.
    ///
    /// The size of the kernel image is the distance from `_text` to `_end` in `PROC/kallsyms`. It
    /// is `None` if addresses are hidden, and on kernels without `CONFIG_KALLSYMS_ALL`, which do
    /// not list `_end`.
    pub size: Option<u64>,
    /// The path of the file, on Linux as seen from the system's `SystemBuilder::file_root`.
    ///
    /// On Windows, this is the native path that the kernel has, such as
    /// `\SystemRoot\System32\drivers\disk.sys`.
    ///
    /// For Linux' kernel image and built-in drivers, this is `boot/vmlinuz-RELEASE` or
    /// `lib/modules/RELEASE/vmlinuz`, with the release of the running kernel. For loaded drivers,
    /// it is the file that `lib/modules/RELEASE/modules.dep` lists under the driver's name. `None`
    /// if no such file exists, or if a driver was loaded from another directory.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_text")
    )]
    pub file: Option<PathBuf>,
    /// The number of users, including those in [`users`](Self::users). `None` for the kernel image,
    /// for built-in drivers, for a driver that is being unloaded, and on kernels that cannot unload
    /// drivers. Linux only.
    pub references: Option<u64>,
    /// The names of the loaded drivers that use this one. Linux only; empty on Windows.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serialize::texts"))]
    pub users: Vec<OsString>,
    /// Whether the part cannot be unloaded; `None` on Windows, which does not tell. True for the kernel image, for built-in drivers, and
    /// for loaded drivers without an exit function.
    pub permanent: Option<bool>,
    /// Whether the part is in use, or is being loaded or unloaded.
    pub state: DriverState,
    /// Why the driver taints the kernel: one letter per reason, such as `P` for proprietary, `O`
    /// for out-of-tree or `E` for unsigned. The kernel's documentation "Tainted kernels" lists the
    /// letters. Empty if the driver does not taint the kernel, for the kernel image, and for
    /// built-in drivers. Linux only; empty on Windows.
    pub taint: String,
}

/// How a [`DeviceDriver`] came into the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum DriverKind {
    /// The kernel image itself.
    KernelImage,
    /// Loaded from its own file: a kernel module.
    Loadable,
    /// Linked into the kernel image.
    BuiltIn,
}

/// The state of a [`DeviceDriver`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum DriverState {
    /// In use.
    Live,
    /// Being loaded.
    Loading,
    /// Being unloaded.
    Unloading,
    /// A state that this version of the crate does not recognize.
    Other,
}
