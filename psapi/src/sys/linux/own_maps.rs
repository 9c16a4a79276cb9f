//! The identity of a file as `maps` shows it, which `stat` does not.
//!
//! `maps` shows the device and inode of the file system that the kernel maps from. `stat` shows
//! the numbers that a file system chooses for programs. On btrfs each subvolume has a device number
//! of its own there, and on overlayfs each layer. The calling process therefore maps the file
//! itself and reads the numbers from its own `maps`.

use std::os::fd::BorrowedFd;
use std::path::Path;

use crate::sys::linux::address_space::AddressSpace;
use crate::sys::linux::calls::mmap::MappedPage;
use crate::sys::linux::calls::procmap_query::VmaQuery;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::maps::FileId;

/// How the calling process reads its own `maps`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnMaps<'s> {
    /// The proc root to use if `/proc` has no entry for the caller.
    pub(crate) proc_root: &'s Path,
    /// Whether to try `PROCMAP_QUERY`.
    pub(crate) use_query: bool,
}

impl OwnMaps<'_> {
    /// Returns the identity that `maps` shows for a file that is open for reading. `None` if the
    /// file cannot be mapped or `maps` cannot be read.
    pub(crate) fn id_of(self, file: BorrowedFd<'_>) -> Option<FileId> {
        let page = MappedPage::new(file).ok()?;
        self.id_at(page.address())
    }

    /// Returns the identity of the file that the calling process maps at an address.
    pub(crate) fn id_at(self, address: u64) -> Option<FileId> {
        // Once the first thread of the caller has exited, only the directories of threads show the
        // address space.
        let roots = [Path::new("/proc"), self.proc_root];
        roots.iter().find_map(|root| {
            let directory = Dir::open(&root.join("thread-self")).ok()?;
            let maps = AddressSpace::open(&directory, self.use_query).ok()?;
            let vma = maps.find(VmaQuery::At(address)).ok()??;
            vma.file.is_file().then_some(vma.file)
        })
    }
}
