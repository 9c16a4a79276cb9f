//! Finds the separate debug file of a module.
//!
//! Distributions strip programs and ship the removed symbols in debug files. Like debuggers, this
//! search looks for a file named by the module's build id below the debug directories. It also
//! looks for the name in the module's `.gnu_debuglink` section:
//!
//! - in the module's directory, and in its subdirectory `.debug`
//! - in the debug directories, directly and below the path of the module's directory
//!
//! A file is used only if it has the module's build id or, without one, the checksum in the link.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::sys::linux::dir::Dir;
use crate::sys::linux::elf::file::build_id;
use crate::sys::linux::elf::sections::{DebugLink, Sections};
use crate::sys::linux::elf::source::read_file;

/// The directories below a root that hold debug files.
const DEBUG_DIRECTORIES: [&str; 2] = ["usr/lib/debug", "lib/debug"];

/// Returns the debug directories below a root.
pub(crate) fn debug_directories(root: &Path) -> [PathBuf; 2] {
    DEBUG_DIRECTORIES.map(|directory| root.join(directory))
}

/// The properties of a module that lead to its debug file.
#[derive(Debug)]
pub(crate) struct DebugFileSearch<'a> {
    /// The module's open file.
    pub(crate) file: &'a OwnedFd,
    /// The path of the module in the process's mount namespace.
    pub(crate) path: &'a Path,
    pub(crate) build_id: Option<&'a [u8]>,
    pub(crate) link: Option<&'a DebugLink>,
    /// The directories that stand for `/`: the process's and that of the system's files.
    pub(crate) roots: [&'a Path; 2],
}

/// The outcome of a search.
#[derive(Debug)]
pub(crate) enum Found {
    File(OwnedFd),
    /// Only a file of another build was found.
    OtherBuild(PathBuf),
    Nothing,
}

impl DebugFileSearch<'_> {
    pub(crate) fn run(&self) -> Found {
        let mut other = None;
        for path in self.candidates() {
            let Some(file) = open(&path) else { continue };
            if self.is_same_file(&file) {
                continue;
            }
            if self.matches(&file) {
                return Found::File(file);
            }
            other.get_or_insert(path);
        }
        other.map_or(Found::Nothing, Found::OtherBuild)
    }

    fn candidates(&self) -> Vec<PathBuf> {
        let mut candidates = Vec::new();
        let directories = self.roots.map(debug_directories);
        let directories = directories.iter().flatten();
        if let Some(name) = self.build_id.and_then(name_of_build_id) {
            candidates.extend(directories.clone().map(|debug| debug.join(&name)));
        }
        let Some(link) = self.link else {
            return candidates;
        };
        let name = OsStr::from_bytes(&link.name);
        let own = self.own_directory();
        let in_process = self.path.strip_prefix("/").ok().and_then(Path::parent);
        let beside = in_process.into_iter().flat_map(|directory| {
            let roots = self.roots.iter();
            roots.map(move |root| root.join(directory))
        });
        for directory in own.iter().cloned().chain(beside) {
            candidates.push(directory.join(name));
            candidates.push(directory.join(".debug").join(name));
        }
        let relative = own.as_deref().and_then(|own| own.strip_prefix("/").ok());
        for debug in directories {
            let below = in_process.into_iter().chain(relative);
            candidates.extend(below.map(|directory| debug.join(directory).join(name)));
            candidates.push(debug.join(name));
        }
        candidates
    }

    /// Returns the directory of the module's file as the calling process sees it. A symbolic link
    /// can lead from the path in the process to it.
    fn own_directory(&self) -> Option<PathBuf> {
        let link = format!("/proc/self/fd/{}", self.file.as_fd().as_raw_fd());
        let path = std::fs::read_link(link).ok()?;
        path.parent().filter(|path| path.has_root()).map(Into::into)
    }

    fn is_same_file(&self, other: &OwnedFd) -> bool {
        let identity = |file| {
            let found = rustix::fs::fstat(file).ok()?;
            Some((found.st_dev, found.st_ino))
        };
        identity(self.file) == identity(other)
    }

    fn matches(&self, file: &OwnedFd) -> bool {
        match (self.build_id, debug_build_id(file)) {
            (Some(expected), Some(found)) => expected == found,
            _ => self
                .link
                .is_some_and(|link| checksum(file) == Some(link.checksum)),
        }
    }
}

/// Opens a regular file. Symbolic links are followed, since distributions use them.
fn open(path: &Path) -> Option<OwnedFd> {
    let directory = Dir::open(path.parent()?).ok()?;
    let name = path.file_name()?.as_bytes();
    Some(directory.try_regular_file(name).ok()??.0)
}

/// Returns the path of a debug file below a debug directory: the first byte of the build id is the
/// name of a directory.
fn name_of_build_id(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!(".build-id/{first:02x}/{rest}.debug").into())
}

/// Returns the build id of a debug file, from its program headers or its sections. In a debug file,
/// the program headers can describe content that it does not have.
fn debug_build_id(file: &OwnedFd) -> Option<Vec<u8>> {
    let in_section = || Sections::read(file)?.build_id(file);
    in_section().or_else(|| build_id(file))
}

/// Returns the CRC-32 of a file.
fn checksum(file: &OwnedFd) -> Option<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut bytes = vec![0; 1 << 16];
    let mut offset = 0;
    loop {
        match read_file(file, offset, &mut bytes) {
            0 => return Some(hasher.finalize()),
            length => {
                hasher.update(&bytes[..length]);
                offset += length as u64;
            }
        }
    }
}
