//! `boot` and `lib/modules/RELEASE` under the root of the system's own files: the files that the
//! kernel and its drivers came from.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::file::Directory;
use super::osrelease;

/// The files of the running kernel, as far as they can be found.
#[derive(Debug)]
pub(crate) struct KernelFiles(Option<Found>);

#[derive(Debug)]
struct Found {
    root: Directory,
    release: Vec<u8>,
}

impl KernelFiles {
    /// Looks for the files of the kernel that a proc root is of.
    pub(crate) fn open(proc: &Directory, file_root: &Path) -> Self {
        let found = osrelease::read(proc).zip(Directory::open(file_root).ok());
        KernelFiles(found.map(|(release, root)| Found { root, release }))
    }

    /// The file of the kernel image, as a path from the root.
    pub(crate) fn image(&self) -> Option<PathBuf> {
        let Found { root, release } = self.0.as_ref()?;
        [
            [b"boot/vmlinuz-", &release[..]].concat(),
            [b"lib/modules/", &release[..], b"/vmlinuz"].concat(),
        ]
        .into_iter()
        .find(|path| root.attributes(path).is_ok())
        .map(|path| Path::new("/").join(OsStr::from_bytes(&path)))
    }

    /// A file of `lib/modules/RELEASE`; empty where there is none that may be read.
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

    /// The path from the root of a file that a list in `lib/modules/RELEASE` names.
    pub(crate) fn path_of(&self, name: &[u8]) -> Option<PathBuf> {
        let release = OsStr::from_bytes(&self.0.as_ref()?.release);
        let directory = Path::new("/lib/modules").join(release);
        Some(directory.join(OsStr::from_bytes(name)))
    }
}
