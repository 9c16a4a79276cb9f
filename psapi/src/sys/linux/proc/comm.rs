//! `PROC/PID/task/TID/comm`: the name of a thread, at most 15 bytes and a newline.
//!
//! A program sets it with `prctl(PR_SET_NAME)` or by writing to this file. Kernel threads can have
//! longer names.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use rustix::io::Errno;

use crate::error::SourceError;
use crate::process_id::ProcessId;
use crate::sys::linux::system::System;

/// Reads the name of a thread. Returns `None` if the thread or the process has ended.
pub(crate) fn thread_name(
    system: &System,
    process: ProcessId,
    thread: u32,
) -> Result<Option<OsString>, SourceError> {
    let file = format!("{process}/task/{thread}/comm");
    let mut name = Vec::new();
    match system.proc_directory()?.read(file.as_bytes(), &mut name) {
        Ok(()) => {
            name.pop_if(|last| *last == b'\n');
            Ok(Some(OsString::from_vec(name)))
        }
        Err(error) if error.is(Errno::NOENT) || error.is(Errno::SRCH) => Ok(None),
        Err(error) => Err(error),
    }
}
