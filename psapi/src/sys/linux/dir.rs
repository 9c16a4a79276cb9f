//! Directories below a proc or sys root, and reads of whole files into reused buffers.
//!
//! A [`Dir`] is a descriptor, and names are resolved relative to it. An open `PROC/PID` directory
//! stays with its process. Once the process is reaped, names below the directory fail with `ENOENT`
//! or `ESRCH`, even if another process has the id.
//!
//! Functions named `try_…` return a bare [`Errno`]. They suit callers that expect failure, for
//! instance on each process of another user, because they do not build the path for a message.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};

/// An open directory. The path is for messages only.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

impl Dir {
    /// Opens the directory at `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        let fd = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| SourceError::new(path, ErrorCause::from(errno)))?;
        Ok(Dir {
            fd,
            path: path.to_path_buf(),
        })
    }

    /// Opens a directory below this one.
    pub(crate) fn directory(&self, name: &[u8]) -> Result<Self, SourceError> {
        let fd = self
            .open_at(name, OFlags::DIRECTORY)
            .map_err(|errno| self.error_at(name, errno))?;
        Ok(Dir {
            fd,
            path: self.path_of(name),
        })
    }

    /// Opens a directory below this one, but returns only the descriptor.
    pub(crate) fn try_directory(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.open_at(name, OFlags::DIRECTORY)
    }

    /// Returns the path that the directory was opened by.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file below this directory for reading.
    pub(crate) fn file(&self, name: &[u8]) -> Result<OwnedFd, SourceError> {
        self.try_file(name)
            .map_err(|errno| self.error_at(name, errno))
    }

    /// Opens a file like [`file`](Self::file), but returns a bare [`Errno`].
    pub(crate) fn try_file(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.open_at(name, OFlags::empty())
    }

    /// Opens a regular file for reading and returns it with its attributes. Returns `None` for any
    /// other type of file, because opening a device or a pipe can block or have side effects.
    pub(crate) fn try_regular_file(&self, name: &[u8]) -> Result<Option<(OwnedFd, Stat)>, Errno> {
        let is_regular =
            |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if !is_regular(&self.try_attributes(name)?) {
            return Ok(None);
        }
        // The name can refer to a pipe since the first check, and another process can hold a lease
        // on a regular file. Opening either must not block.
        let file = self.open_at(name, OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let stat = rustix::fs::fstat(&file)?;
        Ok(is_regular(&stat).then_some((file, stat)))
    }

    fn open_at(&self, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(
            &self.fd,
            name,
            flags | OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    /// Reads a whole file into `buffer`; see [`read_whole`].
    pub(crate) fn read(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), SourceError> {
        let file = self.file(name)?;
        read_whole(file.as_fd(), buffer).map_err(|errno| self.error_at(name, errno))
    }

    /// Reads a file that holds one record into `buffer`; see [`read_record`].
    pub(crate) fn read_record(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), SourceError> {
        let file = self.file(name)?;
        read_record(file.as_fd(), buffer).map_err(|errno| self.error_at(name, errno))
    }

    /// Reads the target of a symbolic link into `buffer`.
    pub(crate) fn read_link(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), SourceError> {
        self.try_read_link(name, buffer)
            .map_err(|errno| self.error_at(name, errno))
    }

    /// Reads a link like [`read_link`](Self::read_link), but returns a bare [`Errno`].
    pub(crate) fn try_read_link(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), Errno> {
        buffer.clear();
        buffer.reserve(256);
        loop {
            let capacity = buffer.capacity();
            let length =
                rustix::fs::readlinkat_raw(&self.fd, name, rustix::buffer::spare_capacity(buffer))?;
            if length < capacity {
                return Ok(());
            }
            // `readlinkat` truncates silently, so a full buffer can hold a part of the target.
            buffer.clear();
            buffer.reserve(2 * capacity);
        }
    }

    /// Returns the attributes of a file below this directory. Follows symbolic links.
    pub(crate) fn attributes(&self, name: &[u8]) -> Result<Stat, SourceError> {
        self.try_attributes(name)
            .map_err(|errno| self.error_at(name, errno))
    }

    /// Returns attributes like [`attributes`](Self::attributes), but with a bare [`Errno`].
    pub(crate) fn try_attributes(&self, name: &[u8]) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.fd, name, AtFlags::empty())
    }

    /// Returns the full path of a name below this directory, for messages.
    pub(crate) fn path_of(&self, name: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(name))
    }

    /// Returns the error of an operation on a name below this directory.
    pub(crate) fn error_at(&self, name: &[u8], errno: Errno) -> SourceError {
        SourceError::new(self.path_of(name), ErrorCause::from(errno))
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Replaces the content of `buffer` with the whole file. Reads until the end, because files below
/// `/proc` have a size of 0.
pub(crate) fn read_whole(file: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    buffer.clear();
    loop {
        buffer.reserve(FIRST_READ);
        if read_once(file, buffer)? == 0 {
            return Ok(());
        }
    }
}

/// Replaces the content of `buffer` with a file that holds one record, such as `PROC/PID/stat`.
///
/// The kernel copies a record in a single `read` if the buffer is large enough. A read that does
/// not fill the buffer therefore returned the whole record, and no second read is needed to find
/// the end.
pub(crate) fn read_record(file: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    buffer.clear();
    loop {
        buffer.reserve(FIRST_READ);
        let length = read_once(file, buffer)?;
        if length == 0 || buffer.len() < buffer.capacity() {
            return Ok(());
        }
    }
}

fn read_once(file: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
    rustix::io::retry_on_intr(|| rustix::io::read(file, rustix::buffer::spare_capacity(buffer)))
}

/// Bytes reserved for each read. Nearly every `stat` and `status` is shorter, so one read suffices.
const FIRST_READ: usize = 4096;
