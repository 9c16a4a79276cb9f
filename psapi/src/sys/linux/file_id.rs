//! The device and inode of a file, from `stat`.

use rustix::fs::Stat;

use crate::sys::linux::proc::maps::FileId;

/// Returns the numbers that `stat` reports; see [`own_maps`](crate::sys::linux::own_maps) for those
/// that `maps` shows.
pub(crate) fn file_id(found: &Stat) -> FileId {
    FileId {
        major: rustix::fs::major(found.st_dev),
        minor: rustix::fs::minor(found.st_dev),
        inode: found.st_ino,
    }
}
