//! Anonymous files, from `memfd_create`.

use std::os::fd::OwnedFd;

use rustix::fs::MemfdFlags;
use rustix::io::Errno;

/// Creates an empty anonymous file. `flags` selects hugetlb pages.
///
/// The setting `vm.memfd_noexec` can require `MFD_NOEXEC_SEAL`, which kernels before 6.3 lack.
pub(crate) fn memfd_create(name: &str, flags: MemfdFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | MemfdFlags::CLOEXEC;
    match rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => rustix::fs::memfd_create(name, flags),
        result => result,
    }
}
