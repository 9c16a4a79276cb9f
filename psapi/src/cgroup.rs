use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::linux::cgroup;

/// The control groups of a process. Source: `PROC/PID/cgroup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Cgroup(pub(crate) Vec<u8>);

/// A process's place in one hierarchy of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct CgroupEntry<'a> {
    /// The hierarchy's number; 0 is the unified one (version 2).
    pub hierarchy: u32,
    /// The controllers bound to the hierarchy, comma-separated; empty for the unified one.
    pub controllers: &'a OsStr,
    /// The group, relative to the hierarchy's root, or to the reader's cgroup namespace.
    pub path: &'a Path,
}

impl Cgroup {
    /// Its place in each hierarchy, in the kernel's order.
    pub fn entries(&self) -> impl Iterator<Item = CgroupEntry<'_>> {
        cgroup::lines(&self.0).map(|line| CgroupEntry {
            hierarchy: line.hierarchy,
            controllers: OsStr::from_bytes(line.controllers),
            path: Path::new(OsStr::from_bytes(line.path)),
        })
    }

    /// The group that says most: that of the unified hierarchy, or, where version 1 does the work
    /// and leaves the unified one at its root, the first that is not the root.
    pub fn path(&self) -> Option<&Path> {
        let unified = self.entries().find(|entry| entry.hierarchy == 0);
        let root = Path::new("/");
        unified
            .filter(|entry| entry.path != root)
            .or_else(|| self.entries().find(|entry| entry.path != root))
            .or_else(|| self.entries().next())
            .map(|entry| entry.path)
    }

    /// The container that the group belongs to, where its path shows one, as it does for Docker,
    /// containerd, CRI-O, Podman and LXC.
    pub fn container_id(&self) -> Option<&OsStr> {
        cgroup::lines(&self.0)
            .find_map(|line| cgroup::container_id(line.path))
            .map(OsStr::from_bytes)
    }
}
