//! The command line of a process: `ProcessCommandLineInformation`, since Windows 8.1. Before, it is
//! read from the memory of the process, where the `PEB` leads to it.

use super::address_space::{beyond_caller, is_beyond_caller, wow64_peb};
use super::buffer::{Buffer, Fixed};
use super::class::ProcessClass;
use super::layouts::command_line::split;
use super::layouts::process_basic_information::{self, ProcessBasicInformation};
use super::layouts::reader::{Reader, UnicodeString, Width};
use super::layouts::rtl_user_process_parameters as parameters;
use super::nt;
use super::process::{Process, Rights};
use super::status::Status;
use crate::command_line::CommandLine;
use crate::error::SourceError;

const CLASS: ProcessClass = ProcessClass::ProcessCommandLineInformation;

/// Reads the arguments; empty for processes of the kernel.
pub(crate) fn command_line(process: &Process) -> Result<CommandLine, SourceError> {
    let mut row = None;
    read(process, &mut row, &mut Buffer::default()).map_err(|status| match status {
        Status::PARTIAL_COPY if is_beyond_caller(process).is_ok_and(|is_beyond| is_beyond) => {
            beyond_caller(CLASS)
        }
        status => process.error(CLASS, status),
    })?;
    process.check_alive(CLASS)?;
    Ok(row.unwrap_or_default())
}

/// Replaces the arguments of a row, reusing its memory.
pub(crate) fn read(
    process: &Process,
    row: &mut Option<CommandLine>,
    buffer: &mut Buffer,
) -> Result<(), Status> {
    let mut line = row.take().unwrap_or_default();
    line.0.clear();
    let mut set = |text: &[u8]| {
        // Enough for ASCII, as most texts are.
        line.0.reserve(text.len() / 2 + 1);
        split(text, &mut line.0);
    };
    match buffer.fill(|bytes| nt::query_process(process.limited(), CLASS, bytes)) {
        Ok(_) => {
            let bytes = buffer.bytes();
            let text = Reader::new(bytes, Width::NATIVE).unicode_string();
            let text = text.and_then(|text| text.in_buffer(bytes, bytes.as_ptr() as u64));
            set(text.ok_or(Status::INFO_LENGTH_MISMATCH)?);
        }
        Err(status) if status.is_unsupported() => {
            set(read_from_memory(process, buffer)?);
        }
        Err(status) => return Err(status),
    }
    *row = Some(line);
    Ok(())
}

/// Reads the command line through the `PEB`: that of 32 bits if a 64-bit system runs a 32-bit
/// program, which can change only that one.
fn read_from_memory<'b>(process: &Process, buffer: &'b mut Buffer) -> Result<&'b [u8], Status> {
    if is_beyond_caller(process)? {
        return Err(Status::PARTIAL_COPY);
    }
    let (peb, width) = match wow64_peb(process.limited())? {
        Some(peb) if Width::NATIVE == Width::Bits64 => (peb, Width::Bits32),
        _ => (native_peb(process)?, Width::NATIVE),
    };
    if peb == 0 {
        return Ok(&[]);
    }
    let memory = process.try_handle(Rights::READ)?;
    let read = |address: u64, into: &mut [u8]| {
        let nt::Answer { status, length } = nt::read_memory(memory, address, into);
        status.check()?;
        // An address that leads nowhere.
        if length < into.len() {
            return Err(Status::PARTIAL_COPY);
        }
        Ok(())
    };
    let mut bytes = [0; parameters::PEB_SIZE];
    read(peb, &mut bytes)?;
    let address = parameters::address(&bytes, width).unwrap_or_default();
    let mut bytes = [0; parameters::SIZE];
    read(address, &mut bytes)?;
    let UnicodeString { length, address } =
        parameters::command_line(&bytes, width).ok_or(Status::PARTIAL_COPY)?;
    let text = buffer.space(length.into())?;
    read(address, text)?;
    Ok(text)
}

/// Returns the address of the `PEB` of the caller's width; 0 if the process has none.
fn native_peb(process: &Process) -> Result<u64, Status> {
    let mut buffer = Fixed::<{ process_basic_information::MAX_SIZE }>::new();
    let size = process_basic_information::size(Width::NATIVE);
    let class = ProcessClass::ProcessBasicInformation;
    buffer.fill(|bytes| nt::query_process(process.limited(), class, &mut bytes[..size]))?;
    let information = ProcessBasicInformation::parse(&buffer.0, Width::NATIVE);
    Ok(information.map_or(0, |information| information.peb))
}
