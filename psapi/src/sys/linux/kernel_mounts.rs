//! The kernel's internal file systems. They hold memory that `maps` shows as a deleted file, such
//! as `/memfd:NAME (deleted)`.
//!
//! A deleted file can have the same name. The device number distinguishes them: an internal file
//! system is mounted in no namespace, so no other file is on it. The number is the same for all
//! processes until the next boot. The calling process creates such memory itself to find it.

use std::os::fd::OwnedFd;

use once_cell::race::OnceBox;
use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::thread::{SecureComputingMode, secure_computing_mode};

use crate::sys::linux::calls::io_setup::AioContext;
use crate::sys::linux::calls::memfd_create::memfd_create;
use crate::sys::linux::calls::memfd_secret::memfd_secret;
use crate::sys::linux::file_id::file_id;
use crate::sys::linux::own_maps::OwnMaps;
use crate::sys::linux::proc::maps::FileId;

/// An internal file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KernelMount {
    /// Shared memory: anonymous, System V, and of `memfd_create`.
    SharedMemory,
    /// Hugetlb pages without a path. Each page size has a file system.
    Hugetlb,
    /// Memory of `memfd_secret`.
    SecretMemory,
    /// Rings of asynchronous I/O.
    Aio,
}

/// A device number: major and minor.
type Device = (u32, u32);

/// The devices of the internal file systems that were needed so far. A kernel can lack some of
/// them.
///
/// Only facts are kept. A failure can be caused by a descriptor limit, and a later call can then
/// succeed.
#[derive(Debug, Default)]
pub(crate) struct KernelMounts {
    shared_memory: OnceBox<Vec<Device>>,
    hugetlb: OnceBox<Vec<Device>>,
    secret_memory: OnceBox<Vec<Device>>,
    aio: OnceBox<Vec<Device>>,
}

impl KernelMounts {
    /// Returns true if a file is on an internal file system; `None` if its device is unknown.
    pub(crate) fn contains(
        &self,
        own_maps: OwnMaps<'_>,
        mount: KernelMount,
        file: FileId,
    ) -> Option<bool> {
        let cell = match mount {
            KernelMount::SharedMemory => &self.shared_memory,
            KernelMount::Hugetlb => &self.hugetlb,
            KernelMount::SecretMemory => &self.secret_memory,
            KernelMount::Aio => &self.aio,
        };
        let find = || {
            let found = match mount {
                KernelMount::SharedMemory => device_of(memfd_create("device", MemfdFlags::empty())),
                KernelMount::Hugetlb => hugetlb(),
                KernelMount::SecretMemory => device_of(memfd_secret()),
                KernelMount::Aio => aio(own_maps),
            };
            found.or_else(absent).map(Box::new)
        };
        let devices = cell.get_or_try_init(find).ok()?;
        Some(devices.contains(&(file.major, file.minor)))
    }
}

/// Returns no devices if the kernel lacks the call, because it then also lacks the file system.
/// Returns the error otherwise, and if a filter of the caller might have rejected the call.
fn absent(errno: Errno) -> Result<Vec<Device>, Errno> {
    // A kernel without filters returns `EINVAL`.
    let is_unfiltered = || {
        matches!(
            secure_computing_mode(),
            Ok(SecureComputingMode::Disabled) | Err(Errno::INVAL)
        )
    };
    if errno == Errno::NOSYS && is_unfiltered() {
        Ok(Vec::new())
    } else {
        Err(errno)
    }
}

fn aio(own_maps: OwnMaps<'_>) -> Result<Vec<Device>, Errno> {
    let context = AioContext::new()?;
    let file = own_maps.id_at(context.address()).ok_or(Errno::NOENT)?;
    Ok(vec![(file.major, file.minor)])
}

/// Returns the device of each size of hugetlb pages. Creating a file requires no free page.
fn hugetlb() -> Result<Vec<Device>, Errno> {
    /// The flags contain the binary logarithm of the page size.
    const SIZES: std::ops::Range<u32> = 0..64;
    const SHIFT: u32 = 26;
    let mut devices = Vec::new();
    for size in SIZES {
        let flags = MemfdFlags::HUGETLB | MemfdFlags::from_bits_retain(size << SHIFT);
        match device_of(memfd_create("device", flags)) {
            Ok(found) => devices.extend(found),
            // No such page size.
            Err(Errno::NODEV | Errno::NOENT | Errno::INVAL) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(devices)
}

fn device_of(file: Result<OwnedFd, Errno>) -> Result<Vec<Device>, Errno> {
    let id = file_id(&rustix::fs::fstat(file?)?);
    Ok(vec![(id.major, id.minor)])
}
