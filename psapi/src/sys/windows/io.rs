//! The input and output of a process, and its handles.

use super::buffer::Fixed;
use super::class::ProcessClass;
use super::layouts::io_counters;
use super::layouts::reader::{Reader, Width};
use super::listing::Listing;
use super::process::Process;
use super::system::truncated;
use crate::error::SourceError;
use crate::io_counters::IoCounters;

/// Reads how much the process has read and written.
pub(crate) fn io_counters(process: &Process) -> Result<IoCounters, SourceError> {
    const CLASS: ProcessClass = ProcessClass::ProcessIoCounters;
    let mut buffer = Fixed::<{ io_counters::SIZE }>::new();
    process.query(CLASS, &mut buffer)?;
    let mut fields = Reader::new(&buffer.0, Width::NATIVE);
    let counters = io_counters::IoCounters::read(&mut fields).ok_or_else(|| truncated(CLASS))?;
    process.check_alive(CLASS)?;
    Ok(IoCounters {
        read: counters.read_bytes,
        written: counters.written_bytes,
        read_calls: counters.reads,
        write_calls: counters.writes,
        other: Some(counters.other_bytes),
        other_calls: Some(counters.others),
        ..IoCounters::default()
    })
}

/// Counts the open handles.
pub(crate) fn handle_count(process: &Process) -> Result<u64, SourceError> {
    const CLASS: ProcessClass = ProcessClass::ProcessHandleCount;
    let mut buffer = Fixed::<4>::new();
    process.query(CLASS, &mut buffer)?;
    let mut count = u32::from_le_bytes(buffer.0);
    if count == 0 {
        // Wine fills the figure only in the list of all processes.
        let mut listing = Listing::default();
        listing.read()?;
        let entry = listing.entry(process.id());
        count = entry.map_or(0, |entry| entry.handles);
    }
    process.check_alive(CLASS)?;
    Ok(count.into())
}
