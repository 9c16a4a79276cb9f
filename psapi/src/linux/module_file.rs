//! The file of a module of a process, opened only if it is the very one that is, or was, mapped:
//! a wrong symbol is worse than none.
//!
//! While the process lives, `PROC/PID/map_files` leads to that file, whatever its path is by now;
//! without the privilege for it, and once the process has ended, the path does, from the process's
//! own root or from the system's. What is found there has to prove itself: by the build id that
//! the module had in memory, or, for a module without one, by all that the file system said of the
//! file when the process was looked at.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, Stat};
use rustix::io::Errno;

use super::elf::Elf;
use super::file::Directory;
use super::file_name::file_id;
use super::image_bytes::{self, Source};
use super::maps::FileId;
use crate::mapping::Mapping;

/// What a file is known by: it and its content have stayed the same as long as this has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Version {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Version {
    #[allow(
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the types of these fields differ from one architecture to another"
    )]
    fn of(stat: &Stat) -> Self {
        Version {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as i64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        }
    }

    /// Whether a file is this one with the same content, whatever its names are by now.
    fn is_but_for_names(self, found: &Stat) -> bool {
        let found = Version {
            changed: self.changed,
            ..Version::of(found)
        };
        found == self
    }
}

/// The version of the file behind a mapping; `None` if it can't be reached.
pub(crate) fn version(process: &Directory, path: &Path, mapping: &Mapping) -> Option<Version> {
    let file = mapping.file?;
    let by_range = process.try_attributes(map_files(mapping).as_bytes());
    let by_path = || {
        let found = process.try_attributes(&below_root(path)?).ok()?;
        is(&found, file).then_some(found)
    };
    by_range.ok().or_else(by_path).as_ref().map(Version::of)
}

fn map_files(mapping: &Mapping) -> String {
    format!("map_files/{:x}-{:x}", mapping.start, mapping.end)
}

/// A path in a process's mount namespace, from the process's directory.
fn below_root(path: &Path) -> Option<Vec<u8>> {
    path.has_root()
        .then(|| [b"root", path.as_os_str().as_bytes()].concat())
}

fn is(found: &Stat, file: crate::FileId) -> bool {
    let crate::FileId {
        major,
        minor,
        inode,
    } = file;
    file_id(found)
        == FileId {
            major,
            minor,
            inode,
        }
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The path in the process's mount namespace.
    pub(crate) path: &'a Path,
    /// A mapping of the file.
    pub(crate) mapping: &'a Mapping,
    pub(crate) build_id: Option<&'a [u8]>,
    pub(crate) version: Option<Version>,
}

/// Why a module's file could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Absent {
    #[error("{}: {}", .0.display(), std::io::Error::from(*.1))]
    Os(PathBuf, Errno),
    #[error("{}: not a regular file", .0.display())]
    Special(PathBuf),
    #[error("{}: the file is not, or no longer, the one that was mapped", .0.display())]
    Replaced(PathBuf),
    #[error("{}: nothing tells whether this is the file that was mapped", .0.display())]
    Doubtful(PathBuf),
}

/// Opens the file of a module. A process that has ended refuses, and the file is then looked for
/// below the root of the system's own files.
pub(crate) fn open(
    process: &Directory,
    file_root: &Path,
    wanted: Wanted<'_>,
) -> Result<OwnedFd, Absent> {
    let by_range = map_files(wanted.mapping);
    if let Ok(Some((file, found))) = process.try_regular_file(by_range.as_bytes()) {
        // It may have lost its name since, which changes nothing but the time of change. But it may
        // also have been written to, or another file be mapped there by now.
        return wanted.check(file, |version| version.is_but_for_names(&found));
    }
    let absent = |errno| Absent::Os(wanted.path.into(), errno);
    let below_root = below_root(wanted.path).ok_or_else(|| absent(Errno::NOENT))?;
    let mut found = process.try_regular_file(&below_root);
    // A process that has ended has no root any more; of one that lives, it has the last word.
    if matches!(found, Err(Errno::SRCH | Errno::NOENT)) && process.try_attributes(b"root").is_err()
    {
        let root = Directory::open(file_root).map_err(|_| absent(Errno::NOENT))?;
        found = root.try_regular_file(&below_root[b"root/".len()..]);
    }
    match found.map_err(absent)? {
        Some((file, found)) => wanted.check(file, |version| version == Version::of(&found)),
        None => Err(Absent::Special(wanted.path.into())),
    }
}

impl Wanted<'_> {
    /// Has a file that was found prove itself.
    fn check(
        &self,
        file: OwnedFd,
        is_version: impl Fn(Version) -> bool,
    ) -> Result<OwnedFd, Absent> {
        let is_it = match (self.build_id, self.version) {
            (Some(id), _) => build_id(&file).as_deref() == Some(id),
            (None, Some(version)) => is_version(version),
            (None, None) => return Err(Absent::Doubtful(self.path.into())),
        };
        match is_it {
            true => Ok(file),
            false => Err(Absent::Replaced(self.path.into())),
        }
    }
}

/// The build id in an image's file.
fn build_id(file: &OwnedFd) -> Option<Vec<u8>> {
    let header = image_bytes::header_in_file(file, 0)?;
    let elf = Elf::parse(&header).ok()?;
    let file = file.try_clone().ok()?;
    let source = Source::File { file, start: 0 };
    source.build_id_near(&elf, image_bytes::true_start(&header))
}

/// Puts an image that has no file, as the vDSO, into one.
pub(crate) fn in_memory(image: &[u8]) -> Result<OwnedFd, Errno> {
    let file = rustix::fs::memfd_create("image", MemfdFlags::CLOEXEC)?;
    let mut rest = image;
    while !rest.is_empty() {
        let length = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
        rest = &rest[length..];
    }
    Ok(file)
}

/// A path that leads to an open file, for code that knows files by their paths.
pub(crate) fn path_of(file: &OwnedFd) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()).into()
}

/// How many files may be held open without getting in the caller's way.
pub(crate) fn most_to_hold() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let limit = limit.current.unwrap_or(u64::MAX);
    usize::try_from(limit / 4).unwrap_or(usize::MAX)
}
