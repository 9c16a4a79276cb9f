//! Files of the proc root itself, beside the processes. A kernel built without a feature lacks
//! the feature's file, and that is an answer; a proc root that is no proc, or one mounted with
//! `subset=pid`, lacks all of them, and that is none.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;

use super::file::Directory;
use super::ids;
use crate::error::{Cause, Refusal};

/// A file that every kernel has.
const ALWAYS: &[u8] = b"meminfo";

/// Reads a file that every kernel has.
pub(crate) fn read(proc: &Directory, name: &[u8], text: &mut Vec<u8>) -> Result<(), Refusal> {
    proc.read(name, text)
        .map_err(|refusal| match refusal.cause {
            Cause::Os(Errno::NOENT) => why_absent(proc, refusal),
            _ => refusal,
        })
}

/// Reads a file that goes with a feature of the kernel; `false` where the kernel lacks both.
pub(crate) fn read_optional(
    proc: &Directory,
    name: &[u8],
    text: &mut Vec<u8>,
) -> Result<bool, Refusal> {
    match proc.read(name, text) {
        Ok(()) => Ok(true),
        Err(refusal) => match refusal.cause {
            Cause::Os(Errno::NOENT) if proc.attributes(ALWAYS).is_ok() => Ok(false),
            Cause::Os(Errno::NOENT) => Err(why_absent(proc, refusal)),
            _ => Err(refusal),
        },
    }
}

fn why_absent(proc: &Directory, absent: Refusal) -> Refusal {
    let name = absent.source.file_name().unwrap_or(OsStr::new(""));
    if let Err(no_proc) = ids::list(proc) {
        return no_proc;
    }
    if name.as_bytes() != ALWAYS && proc.attributes(ALWAYS).is_ok() {
        return absent;
    }
    Refusal {
        cause: Cause::Unsupported(
            "the proc root shows processes alone: it may be mounted with subset=pid",
        ),
        ..absent
    }
}
