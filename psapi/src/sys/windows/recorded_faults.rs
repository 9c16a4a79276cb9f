//! The record of page faults that the kernel has, whoever started it.

use super::buffer::Buffer;
use super::class::ProcessClass;
use super::layouts::process_ws_watch_information as record;
use super::layouts::reader::Width;
use super::nt::{self, Answer};
use super::process::{Process, Rights};
use super::status::Status;
use crate::error::{ErrorCause, SourceError};
use crate::working_set::{PageChanges, PageFault, RecordedFaults};

const CLASS: ProcessClass = ProcessClass::ProcessWorkingSetWatchEx;

/// The size of an entry: four numbers as wide as a pointer.
const ENTRY: usize = 4 * Width::NATIVE.bytes();

/// Takes the recorded faults if they fit into `room` entries. One entry ends the list.
pub(crate) fn recorded_faults(
    process: &Process,
    room: usize,
) -> Result<RecordedFaults, SourceError> {
    let handle = process.handle(Rights::QUERY)?;
    let mut buffer = Buffer::default();
    let size = room.saturating_mul(ENTRY);
    let answer = buffer
        .fill_up_to(size, |bytes| nt::query_process(handle, CLASS, bytes))
        .map_err(|status| status.error(CLASS))?;
    let (bytes, Answer { status, length }) = answer;
    if status.is_too_short() {
        let entries = (length / ENTRY) as u64;
        return Ok(RecordedFaults::TooMany(entries.checked_sub(1)));
    }
    match status {
        _ if status.check().is_ok() => {}
        Status::ACCESS_DENIED | Status::NO_MORE_ENTRIES => return Err(process.error(CLASS, status)),
        _ if status.is_unsupported() || process.has_ended()? => {
            return Err(process.error(CLASS, status));
        }
        // The query has no other way to fail.
        _ => {
            let cause = ErrorCause::Invalid("page faults of the process are not recorded");
            return Err(SourceError::new(CLASS, cause));
        }
    }
    let (faults, lost) = record::parse(bytes, Width::NATIVE);
    let faults = faults.into_iter().map(|fault| PageFault {
        program_counter: fault.program_counter,
        address: fault.address,
        process: process.id(),
        thread: fault.thread,
    });
    Ok(RecordedFaults::Taken(PageChanges {
        faults: faults.collect(),
        lost,
    }))
}
