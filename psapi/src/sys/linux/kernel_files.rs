//! `boot` and `lib/modules/RELEASE` below the root of the system's files, which contain the kernel
//! image and the drivers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::osrelease;

/// The files of the running kernel; `None` if the release or the root is unknown.
#[derive(Debug)]
pub(crate) struct KernelFiles(Option<Release>);

#[derive(Debug)]
struct Release {
    root: Dir,
    release: Vec<u8>,
}

impl KernelFiles {
    /// Opens the root of the system's files and reads the release of the kernel from `proc`.
    pub(crate) fn open(proc: &Dir, file_root: &Path) -> Self {
        let found = osrelease::read(proc).zip(Dir::open(file_root).ok());
        KernelFiles(found.map(|(release, root)| Release { root, release }))
    }

    /// Returns the path of the kernel image, as seen from the root.
    pub(crate) fn image(&self) -> Option<PathBuf> {
        let Release { root, release } = self.0.as_ref()?;
        [
            [b"boot/vmlinuz-", &release[..]].concat(),
            [b"lib/modules/", &release[..], b"/vmlinuz"].concat(),
        ]
        .into_iter()
        .find(|path| root.attributes(path).is_ok())
        .map(|path| Path::new("/").join(OsStr::from_bytes(&path)))
    }

    /// Reads a file in `lib/modules/RELEASE`. The result is empty if the file is not readable.
    pub(crate) fn read(&self, name: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let read = self.0.as_ref().is_some_and(|found| {
            let path = [b"lib/modules/", &found.release[..], b"/", name].concat();
            found.root.read(&path, &mut text).is_ok()
        });
        if !read {
            text.clear();
        }
        text
    }

    /// Returns the path of a file that `modules.dep` names, as seen from the root.
    pub(crate) fn path_of(&self, name: &[u8]) -> Option<PathBuf> {
        let release = OsStr::from_bytes(&self.0.as_ref()?.release);
        let directory = Path::new("/lib/modules").join(release);
        Some(directory.join(OsStr::from_bytes(name)))
    }
}
