//! The name of a thread: `ThreadNameInformation`, since Windows 10.

use std::ffi::OsString;
use std::os::windows::io::AsHandle as _;

use super::buffer::Buffer;
use super::class::ThreadClass;
use super::layouts::reader::{Reader, Width};
use super::listing::thread_ids;
use super::nt;
use super::process::is_exact;
use super::status::Status;
use super::system::{System, truncated};
use super::text;
use crate::error::SourceError;
use crate::process_id::ProcessId;

/// Reads the name of a thread; `None` if there is no such thread. Most threads have an empty name.
pub(crate) fn thread_name(
    system: &System,
    process: ProcessId,
    thread: u32,
) -> Result<Option<OsString>, SourceError> {
    const CLASS: ThreadClass = ThreadClass::ThreadNameInformation;
    const THREAD_QUERY_LIMITED_INFORMATION: u32 = 0x0800;
    if !(is_exact(process.get()) && is_exact(thread)) {
        let threads = thread_ids(system, process)?;
        if !threads.is_some_and(|threads| threads.contains(&thread)) {
            return Ok(None);
        }
    }
    let handle = match nt::open_thread(process.get(), thread, THREAD_QUERY_LIMITED_INFORMATION) {
        Ok(handle) => handle,
        Err(Status::INVALID_CID | Status::INVALID_PARAMETER) => return Ok(None),
        Err(status) => return Err(status.error("NtOpenThread")),
    };
    let mut buffer = Buffer::default();
    buffer
        .fill(|bytes| nt::query_thread(handle.as_handle(), CLASS, bytes))
        .map_err(|status| status.error(CLASS))?;
    let bytes = buffer.bytes();
    let name = Reader::new(bytes, Width::NATIVE)
        .unicode_string()
        .ok_or_else(|| truncated(CLASS))?;
    let name = name.in_buffer(bytes, bytes.as_ptr() as u64);
    Ok(Some(text::os_string(name.ok_or_else(|| truncated(CLASS))?)))
}
