//! The status of processes: one list of all, and for some fields a handle of each.

use std::sync::Arc;

use super::buffer::Buffer;
use super::command_line;
use super::image_file;
use super::layouts::system_process_information::ProcessEntry;
use super::listing::{CLASS, Listing};
use super::memory::counters_with;
use super::owner::owner;
use super::process::Process;
use super::status::Status;
use super::system::{System, duration};
use super::text;
use crate::error::{ErrorCause, SourceError};
use crate::fields::Fields;
use crate::memory::FaultCount;
use crate::owner::Owner;
use crate::process_id::ProcessId;
use crate::status::ProcessStatus;
use crate::status_table::StatusTable;

/// Buffers for capturing all processes. Reusing them avoids allocations.
#[derive(Debug, Default)]
pub(crate) struct CaptureBuffers {
    listing: Listing,
    names: Names,
}

/// Buffers for the names of one process.
#[derive(Debug, Default)]
struct Names {
    answer: Buffer,
    path: Vec<u16>,
}

/// The fields that require a handle of the process.
const BY_HANDLE: Fields = Fields::USER
    .union(Fields::IMAGE)
    .union(Fields::COMMAND_LINE);

/// The idle process, which stands for processors without work. It cannot be opened.
const IDLE: u32 = 0;

/// The process of the kernel's own threads.
const SYSTEM: u32 = 4;

/// Reads all processes into the rows of `table`, which the caller has begun to refill.
pub(crate) fn capture(
    system: &Arc<System>,
    fields: Fields,
    buffers: &mut CaptureBuffers,
    table: &mut StatusTable,
) -> Result<(), SourceError> {
    let CaptureBuffers { listing, names } = buffers;
    listing.read()?;
    for entry in listing.entries() {
        let id = ProcessId::new(entry.id);
        if !fields.intersects(BY_HANDLE) || entry.id == IDLE {
            fill(table.row(id), system, listing, &entry, fields);
            continue;
        }
        match Process::open_listed(system, id, entry.create_time) {
            Ok(process) => {
                let row = table.row(id);
                fill(row, system, listing, &entry, fields);
                fill_by_handle(row, &process, fields, names);
            }
            // It ended after it was listed.
            Err(Status::INVALID_CID | Status::INVALID_PARAMETER) => {}
            Err(Status::NO_MEMORY | Status::INSUFFICIENT_RESOURCES) => {
                return Err(Status::NO_MEMORY.error(super::process::OPEN));
            }
            Err(_) => {
                let row = table.row(id);
                fill(row, system, listing, &entry, fields);
                (row.user, row.command_line) = (None, None);
                row.unreadable = fields & BY_HANDLE;
                let name = entry.name(listing.base());
                if entry.id == SYSTEM {
                    // It runs no file.
                    row.image = None;
                    row.unreadable -= Fields::IMAGE;
                } else if !fields.contains(Fields::IMAGE) {
                    row.image = None;
                } else if image_file::read_by_id(entry.id, name, &mut row.image, &mut names.path)
                    .is_ok()
                {
                    row.unreadable -= Fields::IMAGE;
                }
            }
        }
    }
    Ok(())
}

/// Reads the selected fields of a process.
pub(crate) fn status(process: &Process, fields: Fields) -> Result<ProcessStatus, SourceError> {
    let mut listing = Listing::default();
    listing.read()?;
    let ended = || SourceError::new(CLASS, ErrorCause::Ended);
    // As long as the handle is open, no other process has the id.
    let entry = listing.entry(process.id()).ok_or_else(ended)?;
    process.check_alive(CLASS)?;
    let mut row = ProcessStatus::new(process.id());
    fill(&mut row, process.system(), &listing, &entry, fields);
    fill_by_handle(&mut row, process, fields, &mut Names::default());
    if !row.unreadable.is_empty() {
        process.check_alive(CLASS)?;
    }
    Ok(row)
}

/// Replaces the fields of a row that the list has.
fn fill(
    row: &mut ProcessStatus,
    system: &System,
    listing: &Listing,
    entry: &ProcessEntry<'_>,
    fields: Fields,
) {
    match entry.name(listing.base()) {
        [] => row.name = None,
        name => text::replace(row.name.get_or_insert_default(), name),
    }
    row.kernel_thread = match entry.id {
        IDLE | SYSTEM => Some(true),
        // Of the kernel's children, some are programs and some are not. The list does not tell.
        _ if entry.parent == SYSTEM => None,
        _ => Some(false),
    };
    row.parent = listing.parent(entry);
    row.session = Some(entry.session);
    row.start = system.start(entry.create_time);
    row.threads = Some(entry.thread_count);
    row.user_time = Some(duration(entry.user_time.max(0).cast_unsigned()));
    row.kernel_time = Some(duration(entry.kernel_time.max(0).cast_unsigned()));
    let faults = faults(entry);
    row.faults = entry.memory.has_faults().then_some(faults);
    row.memory = fields.contains(Fields::MEMORY).then(|| {
        let mut counters = counters_with(&entry.memory, faults);
        // Systems that do not fill the figure leave it 0, which no process has.
        counters.rss_anon = Some(entry.private_working_set).filter(|&size| size > 0);
        counters
    });
    if !fields.intersects(BY_HANDLE) || entry.id == IDLE {
        (row.user, row.image, row.command_line) = (None, None, None);
    }
    row.unreadable = Fields::empty();
}

/// Replaces the fields of a row that require a handle.
fn fill_by_handle(row: &mut ProcessStatus, process: &Process, fields: Fields, names: &mut Names) {
    let mut unreadable = Fields::empty();
    let mut check = |field: Fields, result: Result<(), Status>| {
        if result.is_err() {
            unreadable |= field;
        }
    };
    row.user = None;
    if fields.contains(Fields::USER) {
        let owner = owner(process);
        check(Fields::USER, owner.map(drop));
        row.user = owner.ok().flatten().map(Owner::Sid);
    }
    if fields.contains(Fields::IMAGE) {
        let read = image_file::read(process, &mut row.image, &mut names.answer);
        check(Fields::IMAGE, read);
    } else {
        row.image = None;
    }
    if fields.contains(Fields::COMMAND_LINE) {
        let read = command_line::read(process, &mut row.command_line, &mut names.answer);
        check(Fields::COMMAND_LINE, read);
    } else {
        row.command_line = None;
    }
    row.unreadable = unreadable;
}

/// Returns the faults of both kinds. Their counters have 32 bits, and start again at 0.
fn faults(entry: &ProcessEntry<'_>) -> FaultCount {
    let (total, major) = (entry.memory.page_faults, entry.hard_faults);
    FaultCount {
        total: total.into(),
        minor: total.checked_sub(major).map(u64::from),
        major: Some(major.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::windows::interception::calls_of;
    use crate::sys::windows::system::SystemOptions;

    /// Returns the native calls of a capture, once its buffers are large enough.
    fn calls(fields: Fields) -> Vec<&'static str> {
        let system = Arc::new(System::new(SystemOptions::default()));
        let (mut buffers, mut table) = (CaptureBuffers::default(), StatusTable::default());
        let mut refresh = || {
            table.begin();
            capture(&system, fields, &mut buffers, &mut table).unwrap();
            table.finish();
        };
        refresh();
        calls_of(refresh)
    }

    #[test]
    fn capture_without_handles_is_one_call() {
        for fields in [Fields::empty(), Fields::MEMORY, Fields::all() - BY_HANDLE] {
            assert_eq!(calls(fields), ["NtQuerySystemInformation"], "{fields:?}");
        }
    }

    #[test]
    fn some_fields_require_handles() {
        for field in BY_HANDLE.iter() {
            let calls = calls(field);
            assert_eq!(calls[0], "NtQuerySystemInformation");
            assert!(calls.contains(&"NtOpenProcess"), "{field:?}: {calls:?}");
        }
    }
}
