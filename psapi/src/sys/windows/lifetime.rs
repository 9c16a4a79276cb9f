//! The end of a process: waits for it, causes it, and reads how it happened.

use std::time::Duration;

use super::buffer::Fixed;
use super::class::ProcessClass;
use super::layouts::process_basic_information::{self, ProcessBasicInformation};
use super::layouts::reader::Width;
use super::nt;
use super::process::{Process, Rights};
use super::status::Status;
use super::system::truncated;
use crate::error::SourceError;
use crate::exit_status::ExitStatus;

const TERMINATE: &str = "NtTerminateProcess";

/// Returns true if the process has ended.
pub(crate) fn has_ended(process: &Process) -> Result<bool, SourceError> {
    process.has_ended()
}

/// Waits until a process has ended, or until the time is over. Returns true if it has ended.
pub(crate) fn wait(process: &Process, timeout: Option<Duration>) -> Result<bool, SourceError> {
    // A time too long for the call is as good as none.
    let units = timeout.and_then(|timeout| i64::try_from(timeout.as_nanos().div_ceil(100)).ok());
    match nt::wait(process.limited(), units) {
        Status::SUCCESS => Ok(true),
        Status::TIMEOUT => Ok(false),
        status => Err(status.error("NtWaitForSingleObject")),
    }
}

/// Ends a process. Its exit status becomes 1.
pub(crate) fn terminate(process: &Process) -> Result<(), SourceError> {
    process.check_alive(TERMINATE)?;
    let handle = process.handle(Rights::TERMINATE)?;
    nt::terminate_process(handle, 1)
        .check()
        .map_err(|status| process.error(TERMINATE, status))
}

/// Reads how a process ended; `None` while it runs.
pub(crate) fn exit_status(process: &Process) -> Result<Option<ExitStatus>, SourceError> {
    const CLASS: ProcessClass = ProcessClass::ProcessBasicInformation;
    if !process.has_ended()? {
        return Ok(None);
    }
    let mut buffer = Fixed::<{ process_basic_information::MAX_SIZE }>::new();
    let size = process_basic_information::size(Width::NATIVE);
    buffer
        .fill(|bytes| nt::query_process(process.limited(), CLASS, &mut bytes[..size]))
        .map_err(|status| status.error(CLASS))?;
    let information = ProcessBasicInformation::parse(&buffer.0, Width::NATIVE);
    let information = information.ok_or_else(|| truncated(CLASS))?;
    Ok(Some(ExitStatus::Code(information.exit_status)))
}
