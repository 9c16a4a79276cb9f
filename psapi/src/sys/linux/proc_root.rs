//! Files of the proc root itself, such as `PROC/meminfo` and `PROC/swaps`.
//!
//! `ENOENT` on such a file has two causes. A kernel built without a feature lacks the feature's
//! file, which is a valid result. A directory that is not a proc file system lacks all files, which
//! is an error. So does a proc file system mounted with `subset=pid` (Linux 5.8).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::ids;

/// A file that every kernel has.
const ALWAYS_PRESENT: &[u8] = b"meminfo";

/// Reads a file that every kernel has.
pub(crate) fn read(proc: &Dir, name: &[u8], text: &mut Vec<u8>) -> Result<(), SourceError> {
    proc.read(name, text).map_err(|error| match error.errno() {
        Some(Errno::NOENT) => explain_absence(proc, error),
        _ => error,
    })
}

/// Reads the file of an optional kernel feature. Returns false if the kernel lacks the feature.
pub(crate) fn read_optional(
    proc: &Dir,
    name: &[u8],
    text: &mut Vec<u8>,
) -> Result<bool, SourceError> {
    match proc.read(name, text) {
        Ok(()) => Ok(true),
        Err(error) => match error.errno() {
            Some(Errno::NOENT) if proc.attributes(ALWAYS_PRESENT).is_ok() => Ok(false),
            Some(Errno::NOENT) => Err(explain_absence(proc, error)),
            _ => Err(error),
        },
    }
}

/// Refines an `ENOENT`: the root has no processes, or it has processes but none of the other files.
fn explain_absence(proc: &Dir, error: SourceError) -> SourceError {
    let name = error.source.file_name().unwrap_or(OsStr::new(""));
    if let Err(not_proc) = ids::list(proc) {
        return not_proc;
    }
    if name.as_bytes() != ALWAYS_PRESENT && proc.attributes(ALWAYS_PRESENT).is_ok() {
        return error;
    }
    SourceError {
        cause: ErrorCause::Unsupported(
            "the proc root contains only processes; it might be mounted with subset=pid",
        ),
        ..error
    }
}
