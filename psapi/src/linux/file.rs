//! Reading below a proc or sys root: directories held open, whole files into a reused buffer.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Cause, Refusal};

/// A directory held open. Everything below it is opened relative to the descriptor; the path is
/// for messages.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    pub(crate) fn open(path: &Path) -> Result<Self, Refusal> {
        let fd = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| Refusal::new(path, Cause::Os(errno)))?;
        Ok(Directory {
            fd,
            path: path.to_path_buf(),
        })
    }

    /// A directory below this one.
    pub(crate) fn directory(&self, name: &[u8]) -> Result<Self, Refusal> {
        let fd = self
            .open_at(name, OFlags::DIRECTORY)
            .map_err(|errno| self.refusal(name, errno))?;
        Ok(Directory {
            fd,
            path: self.path_of(name),
        })
    }

    /// A descriptor alone of a directory below this one, for who expects to be refused: no message
    /// is prepared.
    pub(crate) fn try_directory(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.open_at(name, OFlags::DIRECTORY)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file below this directory, open for reading.
    pub(crate) fn file(&self, name: &[u8]) -> Result<OwnedFd, Refusal> {
        self.try_file(name)
            .map_err(|errno| self.refusal(name, errno))
    }

    /// As [`file`](Self::file), for who expects to be refused.
    pub(crate) fn try_file(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.open_at(name, OFlags::empty())
    }

    /// A regular file below this directory, open for reading, and its attributes; `None` of what is
    /// none: to open a device or a pipe is to act on it.
    pub(crate) fn try_regular_file(&self, name: &[u8]) -> Result<Option<(OwnedFd, Stat)>, Errno> {
        let is_regular =
            |found: &Stat| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        if !is_regular(&self.try_attributes(name)?) {
            return Ok(None);
        }
        let file = self.try_file(name)?;
        let found = rustix::fs::fstat(&file)?;
        Ok(is_regular(&found).then_some((file, found)))
    }

    fn open_at(&self, name: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(
            &self.fd,
            name,
            flags | OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    /// The whole of a file, in `buffer`. Works for files that do not know their size, as those of
    /// `/proc` do not.
    pub(crate) fn read(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        let file = self.file(name)?;
        read_whole(file.as_fd(), buffer).map_err(|errno| self.refusal(name, errno))
    }

    /// As [`read`](Self::read), for a file that holds one record; see [`read_record`].
    pub(crate) fn read_record(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        let file = self.file(name)?;
        read_record(file.as_fd(), buffer).map_err(|errno| self.refusal(name, errno))
    }

    /// The target of a symbolic link, in `buffer`.
    pub(crate) fn read_link(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), Refusal> {
        self.try_read_link(name, buffer)
            .map_err(|errno| self.refusal(name, errno))
    }

    /// As [`read_link`](Self::read_link), for who expects to be refused.
    pub(crate) fn try_read_link(&self, name: &[u8], buffer: &mut Vec<u8>) -> Result<(), Errno> {
        buffer.clear();
        buffer.reserve(256);
        loop {
            let room = buffer.capacity();
            let length =
                rustix::fs::readlinkat_raw(&self.fd, name, rustix::buffer::spare_capacity(buffer))?;
            if length < room {
                return Ok(());
            }
            // It may have been cut: ask again with more room.
            buffer.clear();
            buffer.reserve(2 * room);
        }
    }

    /// The attributes of what a name leads to, links followed.
    pub(crate) fn attributes(&self, name: &[u8]) -> Result<Stat, Refusal> {
        self.try_attributes(name)
            .map_err(|errno| self.refusal(name, errno))
    }

    /// As [`attributes`](Self::attributes), for who expects to be refused.
    pub(crate) fn try_attributes(&self, name: &[u8]) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.fd, name, AtFlags::empty())
    }

    /// The full path of a name below this directory, for messages.
    pub(crate) fn path_of(&self, name: &[u8]) -> PathBuf {
        self.path.join(OsStr::from_bytes(name))
    }

    pub(crate) fn refusal(&self, name: &[u8], errno: Errno) -> Refusal {
        Refusal::new(self.path_of(name), Cause::Os(errno))
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Reads to the end of the file; `buffer` then holds nothing else.
pub(crate) fn read_whole(file: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> Result<(), Errno> {
    buffer.clear();
    loop {
        buffer.reserve(FIRST_READ);
        if read_once(file, buffer)? == 0 {
            return Ok(());
        }
    }
}

/// Reads a file that holds one record, such as `stat` and `status` of a process: the kernel hands
/// such a record over whole where there is room for it, so that one call that leaves room has it
/// all, and the second one that would say "end of file" is saved.
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

/// Room for what nearly every `stat` and `status` needs, so that one read suffices.
const FIRST_READ: usize = 4096;
