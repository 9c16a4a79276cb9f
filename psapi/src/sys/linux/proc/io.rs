//! `PROC/PID/io`: what a process has read and written, including threads that have ended.
//!
//! The kernel has the file only if it was built with `TASK_IO_ACCOUNTING`.

use crate::error::{ErrorCause, SourceError};
use crate::io_counters::IoCounters;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::{decimal, key_value, whole_lines};

/// The lines, in the order of the fields of [`IoCounters`].
const KEYS: [&[u8]; 7] = [
    b"rchar",
    b"wchar",
    b"syscr",
    b"syscw",
    b"read_bytes",
    b"write_bytes",
    b"cancelled_write_bytes",
];

/// Parses the file.
pub(crate) fn parse(text: &[u8]) -> Result<IoCounters, &'static str> {
    let mut values = [None; 7];
    for (key, value) in whole_lines(text).filter_map(key_value) {
        let Some(at) = KEYS.iter().position(|&known| known == key) else {
            continue;
        };
        values[at] = Some(decimal(value).ok_or("a value is not a number")?);
    }
    let missing = "a required line is missing";
    let [read, written, read_calls, write_calls, storage @ ..] = values;
    let [storage_read, storage_written, cancelled_writes] = storage;
    Ok(IoCounters {
        read: read.ok_or(missing)?,
        written: written.ok_or(missing)?,
        read_calls: read_calls.ok_or(missing)?,
        write_calls: write_calls.ok_or(missing)?,
        other: None,
        other_calls: None,
        storage_read: Some(storage_read.ok_or(missing)?),
        storage_written: Some(storage_written.ok_or(missing)?),
        cancelled_writes: Some(cancelled_writes.ok_or(missing)?),
    })
}

/// Reads the file of a pinned process.
pub(crate) fn read(process: &Dir) -> Result<IoCounters, SourceError> {
    const FILE: &[u8] = b"io";
    let mut text = Vec::new();
    process.read(FILE, &mut text)?;
    parse(&text)
        .map_err(|what| SourceError::new(process.path_of(FILE), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"rchar: 3012\nwchar: 45\nsyscr: 21\nsyscw: 2\nread_bytes: 4096\n\
write_bytes: 8192\ncancelled_write_bytes: 1024\n";

    #[test]
    fn parse_fills_every_field() {
        let counters = IoCounters {
            read: 3012,
            written: 45,
            read_calls: 21,
            write_calls: 2,
            other: None,
            other_calls: None,
            storage_read: Some(4096),
            storage_written: Some(8192),
            cancelled_writes: Some(1024),
        };
        assert_eq!(parse(TEXT), Ok(counters));
    }

    #[test]
    fn truncated_file_is_rejected() {
        for end in 0..TEXT.len() {
            assert!(parse(&TEXT[..end]).is_err(), "cut at {end}");
        }
    }
}
