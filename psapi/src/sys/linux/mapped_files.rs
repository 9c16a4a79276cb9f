//! Finds the files that a process maps, and checks whether a file at a path is a mapped one.
//!
//! With `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE`, the links in `PROC/PID/map_files` lead to the
//! mapped files, whatever became of their paths. Otherwise a file is looked up by its path. It
//! counts as the mapped one only if it has the same identity. Either `stat` reports the numbers
//! that `maps` shows, or the caller's own `maps` shows them; see
//! [`own_maps`](crate::sys::linux::own_maps).
//!
//! Only regular files and the device `/dev/zero` are opened, because opening another device or a
//! pipe can block or have side effects.

use std::cell::OnceCell;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{FileType, Stat};

use crate::sys::linux::calls::procmap_query::{self, NAME_SIZE, VmaQuery};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::file_id::file_id;
use crate::sys::linux::kernel_mounts::KernelMount;
use crate::sys::linux::mapping_name::{KernelObject, MappingName, classify};
use crate::sys::linux::proc::exe::split_deleted;
use crate::sys::linux::proc::maps::{self, FileId, Vma};
use crate::sys::linux::proc::root::Root;
use crate::sys::linux::system::System;

/// The files that a process maps.
#[derive(Debug)]
pub(crate) struct MappedFiles<'p> {
    system: &'p System,
    /// The directory of the process, or of a thread.
    process: &'p Dir,
    root: OnceCell<Root>,
}

/// The range and the file of a mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileMapping {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) file: FileId,
}

impl From<&Vma> for FileMapping {
    fn from(vma: &Vma) -> Self {
        FileMapping {
            start: vma.start,
            end: vma.end,
            file: vma.file,
        }
    }
}

impl FileMapping {
    fn link(&self) -> Vec<u8> {
        format!("map_files/{:x}-{:x}", self.start, self.end).into_bytes()
    }
}

impl<'p> MappedFiles<'p> {
    pub(crate) fn new(system: &'p System, process: &'p Dir) -> Self {
        MappedFiles {
            system,
            process,
            root: OnceCell::new(),
        }
    }

    /// Returns the names that a path can have, relative to the directory of the process.
    pub(crate) fn names_of(&self, path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        const LINK: &[u8] = b"root";
        let root = self.root.get_or_init(|| {
            let mut root = Root::default();
            root.read(self.process, LINK);
            root
        });
        Root::starts().into_iter().filter_map(move |start| {
            let mut name = Vec::new();
            root.name_of(start, LINK, path, &mut name).then_some(name)
        })
    }

    /// Returns the attributes of a mapping's file through its link; `None` without the privilege.
    pub(crate) fn linked(&self, mapping: FileMapping) -> Option<Stat> {
        self.process.try_attributes(&mapping.link()).ok()
    }

    /// Opens a mapping's file through its link. Returns `None` without the privilege, and if the
    /// file is not a regular one.
    pub(crate) fn open_linked(&self, mapping: FileMapping) -> Option<(OwnedFd, Stat)> {
        self.process.try_regular_file(&mapping.link()).ok()?
    }

    /// Returns the attributes of the file at a path if it is the file of a mapping.
    pub(crate) fn at_path(&self, mapping: FileMapping, path: &[u8]) -> Option<Stat> {
        self.names_of(path).find_map(|name| {
            let found = self.process.try_attributes(&name).ok()?;
            self.is_mapped(mapping, &name, &found).then_some(found)
        })
    }

    /// Returns true if a path is the name of a mapping's file, even if the file was modified.
    pub(crate) fn is_name_of(&self, mapping: FileMapping, path: &[u8]) -> bool {
        self.names_of(path).any(|name| {
            self.process.try_attributes(&name).is_ok_and(|found| {
                self.is_mapped(mapping, &name, &found)
                    || found.st_ino == mapping.file.inode
                        && self.linked(mapping).is_none()
                        && self.is_on_overlay(&name)
            })
        })
    }

    /// Returns true if a file is on overlayfs.
    ///
    /// Overlayfs copies a file of a lower layer when it is first opened for writing. Before Linux
    /// 6.8, mappings of the two copies show different files, but `stat` keeps the inode number.
    fn is_on_overlay(&self, name: &[u8]) -> bool {
        const OVERLAYFS_SUPER_MAGIC: rustix::fs::FsWord = 0x794c_7630;
        let opened = self.process.try_regular_file(name).ok().flatten();
        let file_system = opened.and_then(|(file, _)| rustix::fs::fstatfs(file).ok());
        file_system.is_some_and(|found| found.f_type == OVERLAYFS_SUPER_MAGIC)
    }

    /// Opens the file of a mapping. `path` is its path without the ` (deleted)` suffix.
    pub(crate) fn open(&self, mapping: FileMapping, path: &[u8]) -> Option<OwnedFd> {
        if let Some((file, _)) = self.open_linked(mapping) {
            return Some(file);
        }
        self.names_of(path).find_map(|name| {
            let (file, found) = self.process.try_regular_file(&name).ok()??;
            self.is_mapped(mapping, &name, &found).then_some(file)
        })
    }

    /// Returns true if the file with a name is the file of a mapping.
    fn is_mapped(&self, mapping: FileMapping, name: &[u8], found: &Stat) -> bool {
        if file_id(found) == mapping.file {
            return true;
        }
        if let Some(linked) = self.linked(mapping) {
            return file_id(&linked) == file_id(found);
        }
        let opened = if is_zero_device(found) {
            self.process.try_file(name).ok()
        } else {
            let opened = self.process.try_regular_file(name).ok().flatten();
            opened.map(|(file, _)| file)
        };
        let id = opened.and_then(|file| self.system.own_maps().id_of(file.as_fd()));
        id == Some(mapping.file)
    }

    /// Returns the name of a mapping without escapes; `None` if the caller may not inspect the
    /// process, or if the name is longer than `PATH_MAX`.
    pub(crate) fn exact_name(&self, vma: &Vma) -> Option<Vec<u8>> {
        let query = || {
            let maps = self.process.try_file(maps::FILE).ok()?;
            let mut name = [0; NAME_SIZE];
            let query = VmaQuery::At(vma.start);
            let (now, name) = procmap_query::query_name(maps.as_fd(), query, &mut name).ok()??;
            (now == *vma).then(|| name.to_vec())
        };
        let link = || {
            let mut name = Vec::new();
            let link = FileMapping::from(vma).link();
            self.process.try_read_link(&link, &mut name).ok()?;
            Some(name)
        };
        let queried = self.system.may_query_maps().then(query).flatten();
        queried.or_else(link)
    }

    /// Classifies a mapping by its unescaped name.
    pub(crate) fn classify<'n>(&self, vma: &Vma, name: &'n [u8]) -> MappingName<'n> {
        classify(vma, name, |object| self.is_kernel_object(vma, name, object))
    }

    /// Returns true if a mapping is a kernel object and not a file of the same name; `None` if that
    /// is unknown.
    fn is_kernel_object(&self, vma: &Vma, name: &[u8], object: KernelObject) -> Option<bool> {
        let is_in = |mount| {
            let mounts = self.system.kernel_mounts();
            mounts.contains(self.system.own_maps(), mount, vma.file)
        };
        match object {
            KernelObject::SharedMemory => is_in(KernelMount::SharedMemory),
            KernelObject::Hugetlb => is_in(KernelMount::Hugetlb),
            KernelObject::SharedMemoryOrHugetlb => match is_in(KernelMount::SharedMemory) {
                Some(true) => Some(true),
                other => is_in(KernelMount::Hugetlb).filter(|&is_in| is_in || other.is_some()),
            },
            KernelObject::SecretMemory => is_in(KernelMount::SecretMemory),
            KernelObject::Aio => is_in(KernelMount::Aio),
            KernelObject::ZeroDevice => Some(self.maps_zero_device(vma, name)),
            KernelObject::DmaBuf => Some(self.at_path(vma.into(), name).is_none()),
        }
    }

    /// Returns true if a mapping named `/dev/zero` maps the device, whose private mappings are
    /// anonymous memory.
    fn maps_zero_device(&self, vma: &Vma, name: &[u8]) -> bool {
        if let Some(linked) = self.linked(vma.into()) {
            return is_zero_device(&linked);
        }
        if let Some(found) = self.at_path(vma.into(), name) {
            return is_zero_device(&found);
        }
        // Not accessible by its path. Many containers have the same device as the caller.
        let own = Dir::open("/".as_ref()).and_then(|root| root.attributes(b"dev/zero"));
        let is_own = own.is_ok_and(|own| is_zero_device(&own) && file_id(&own) == vma.file);
        // A device is hardly ever deleted.
        is_own || !split_deleted(name).1
    }
}

/// Returns true for the device `/dev/zero`.
fn is_zero_device(found: &Stat) -> bool {
    let number = (
        rustix::fs::major(found.st_rdev),
        rustix::fs::minor(found.st_rdev),
    );
    FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice && number == (1, 5)
}
