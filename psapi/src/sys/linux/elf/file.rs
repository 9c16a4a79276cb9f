//! Opens the file of a module, but only if it is the file that is or was mapped: a wrong symbol is
//! worse than none.
//!
//! While the process lives, `PROC/PID/map_files` leads to the mapped file even after it was renamed
//! or deleted. Without the privilege for that, and after the process has ended, the file is opened
//! by its path. The path starts at the directories that
//! [`proc::root`](crate::sys::linux::proc::root) describes, or at the root of the system's files.
//! The file must then have the same build id as the module in memory. For a module without a build
//! id, it must have the same device, inode, size and times as when the address space was read.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, Stat};
use rustix::io::Errno;

use crate::mapping::{Backing, Mapping};
use crate::sys::linux::calls::memfd_create::memfd_create;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::elf::header::Elf;
use crate::sys::linux::elf::source::{self, Source};
use crate::sys::linux::mapped_files::{FileMapping, MappedFiles};
use crate::sys::linux::proc::maps::FileId;
use crate::sys::linux::process::Process;

/// The attributes that change with a file's content: equal versions mean an unmodified file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileVersion {
    device: u64,
    inode: u64,
    size: i64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl FileVersion {
    #[allow(
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the types of these fields differ from one architecture to another"
    )]
    fn of(stat: &Stat) -> Self {
        FileVersion {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size: stat.st_size as i64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as u64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        }
    }

    /// Returns true if the file has this version, ignoring changes of its name.
    ///
    /// Renaming or deleting a file changes its `ctime` but not its `mtime`.
    fn matches_ignoring_names(self, found: &Stat) -> bool {
        let found = FileVersion {
            changed: self.changed,
            ..FileVersion::of(found)
        };
        found == self
    }
}

/// Returns the version of the file that backs a mapping; `None` if the file is not accessible.
pub(crate) fn version(
    files: &MappedFiles<'_>,
    path: &Path,
    mapping: &Mapping,
) -> Option<FileVersion> {
    let range = file_mapping(mapping)?;
    let is_deleted = matches!(mapping.backing, Backing::File { deleted: true, .. });
    let by_path = || {
        let path = path.as_os_str().as_bytes();
        (!is_deleted).then(|| files.at_path(range, path)).flatten()
    };
    files
        .linked(range)
        .or_else(by_path)
        .as_ref()
        .map(FileVersion::of)
}

fn file_mapping(mapping: &Mapping) -> Option<FileMapping> {
    let file = mapping.file?;
    Some(FileMapping {
        start: mapping.start,
        end: mapping.end,
        file: FileId {
            major: file.major,
            minor: file.minor,
            inode: file.inode,
        },
    })
}

/// The path of a module's file and the properties that identify it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileIdentity<'a> {
    /// The path in the process's mount namespace.
    pub(crate) path: &'a Path,
    /// A mapping of the file.
    pub(crate) mapping: &'a Mapping,
    pub(crate) build_id: Option<&'a [u8]>,
    pub(crate) version: Option<FileVersion>,
}

/// The reason why a module's file was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("{}: {}", .0.display(), std::io::Error::from(*.1))]
    Os(PathBuf, Errno),
    #[error("{}: not a regular file", .0.display())]
    NotRegular(PathBuf),
    #[error("{}: the file differs from the mapped file", .0.display())]
    Replaced(PathBuf),
    #[error("{}: cannot verify that this is the file that was mapped", .0.display())]
    Unverifiable(PathBuf),
}

/// Opens the file of a module and verifies its identity.
///
/// After the process has ended, the path is resolved below `file_root`.
pub(crate) fn open(process: &Process, identity: FileIdentity<'_>) -> Result<OwnedFd, OpenError> {
    let directory = process.directory();
    let files = MappedFiles::new(process.system(), directory);
    let linked = file_mapping(identity.mapping).and_then(|range| files.open_linked(range));
    if let Some((file, found)) = linked {
        // Verify the file: it might have been modified, or another file might be mapped at this
        // range by now. A deletion is harmless.
        return identity.verify(file, |version| version.matches_ignoring_names(&found));
    }
    let path = identity.path.as_os_str().as_bytes();
    // Only a process that has ended has no `root` link. For a live one, its own files are final.
    if !matches!(
        directory.try_attributes(b"root"),
        Err(Errno::SRCH | Errno::NOENT)
    ) {
        return first_verified(identity, directory, files.names_of(path));
    }
    let not_found = || OpenError::Os(identity.path.into(), Errno::NOENT);
    let root = Dir::open(process.system().file_root()).map_err(|_| not_found())?;
    let below_root = path.strip_prefix(b"/").ok_or_else(not_found)?;
    first_verified(identity, &root, [below_root.to_vec()])
}

/// Opens the first file with one of the names that is the module's file. If there is none, returns
/// the first error other than `ENOENT`, or else `ENOENT`.
fn first_verified(
    identity: FileIdentity<'_>,
    directory: &Dir,
    names: impl IntoIterator<Item = Vec<u8>>,
) -> Result<OwnedFd, OpenError> {
    let mut failure = None;
    for name in names {
        let error = match directory.try_regular_file(&name) {
            Ok(Some((file, found))) => {
                match identity.verify(file, |version| version == FileVersion::of(&found)) {
                    Ok(file) => return Ok(file),
                    Err(error) => error,
                }
            }
            Ok(None) => OpenError::NotRegular(identity.path.into()),
            Err(errno) => OpenError::Os(identity.path.into(), errno),
        };
        if matches!(failure, None | Some(OpenError::Os(_, Errno::NOENT))) {
            failure = Some(error);
        }
    }
    Err(failure.unwrap_or_else(|| OpenError::Os(identity.path.into(), Errno::NOENT)))
}

impl FileIdentity<'_> {
    /// Returns the file if it has this build id or, without a build id, this version.
    fn verify(
        &self,
        file: OwnedFd,
        has_version: impl Fn(FileVersion) -> bool,
    ) -> Result<OwnedFd, OpenError> {
        let matches = match (self.build_id, self.version) {
            (Some(id), _) => build_id(&file).as_deref() == Some(id),
            (None, Some(version)) => has_version(version),
            (None, None) => return Err(OpenError::Unverifiable(self.path.into())),
        };
        if matches {
            Ok(file)
        } else {
            Err(OpenError::Replaced(self.path.into()))
        }
    }
}

/// Returns the build id in an image's file.
pub(crate) fn build_id(file: &OwnedFd) -> Option<Vec<u8>> {
    let header = source::header_in_file(file, 0)?;
    let elf = Elf::parse(&header).ok()?;
    let file = file.try_clone().ok()?;
    let source = Source::File { file, start: 0 };
    source.build_id_with_prefix(&elf, source::contiguous_part(&header))
}

/// Copies an image that has no file, such as the vDSO, to an anonymous file.
pub(crate) fn in_memory(image: &[u8]) -> Result<OwnedFd, Errno> {
    let file = memfd_create("image", MemfdFlags::empty())?;
    let mut rest = image;
    while !rest.is_empty() {
        let length = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest))?;
        rest = &rest[length..];
    }
    Ok(file)
}

/// Returns a path to an open file, for libraries that open files by path.
pub(crate) fn path_of(file: &OwnedFd) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()).into()
}

/// Returns the number of files to hold open: a quarter of the limit, to leave the caller enough.
pub(crate) fn max_open_files() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let limit = limit.current.unwrap_or(u64::MAX);
    usize::try_from(limit / 4).unwrap_or(usize::MAX)
}
