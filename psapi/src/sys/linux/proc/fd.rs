//! `PROC/PID/fd`: the open file descriptors of a process.

use std::os::fd::AsFd as _;

use rustix::fs::RawDir;

use crate::error::SourceError;
use crate::sys::linux::dir::Dir;

/// Returns the number of open descriptors.
///
/// Since Linux 6.2, the size of the directory is this number. Older kernels report a size of 0, so
/// the directory is listed. A process without descriptors also has a size of 0.
pub(crate) fn count(process: &Dir) -> Result<u64, SourceError> {
    const DIRECTORY: &[u8] = b"fd";
    let failed = |errno| process.error_at(DIRECTORY, errno);
    let directory = process.directory(DIRECTORY)?;
    let attributes = rustix::fs::fstat(directory.as_fd()).map_err(failed)?;
    if let Ok(size @ 1..) = u64::try_from(attributes.st_size) {
        return Ok(size);
    }
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut entries = RawDir::new(directory.as_fd(), buffer.spare_capacity_mut());
    let mut count = 0;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(failed)?;
        count += u64::from(!entry.file_name().to_bytes().starts_with(b"."));
    }
    Ok(count)
}
