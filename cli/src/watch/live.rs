//! Faults as they happen, a line each.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::time::Duration;

use anyhow::Result;
use psapi::{Backing, Frame, PageFault};

use super::tally::{Key, Tally};
use crate::output::{Column, Format, Output, Shape, Value, printable};

/// A fault and what is known of it.
#[derive(Debug)]
pub struct LiveRow {
    fault: PageFault,
    since_begin: Duration,
    mapping: Vec<u8>,
    offset: Option<u64>,
    module: Vec<u8>,
    function: Option<Vec<u8>>,
}

impl LiveRow {
    fn new(fault: PageFault, key: Key, frames: &[Frame], begin: u64, tally: &Tally) -> Self {
        let program = &tally.programs[key.program];
        let mapping = program.regions[key.region].mapping.as_ref();
        let module = program.module(fault.program_counter, frames);
        let innermost = frames.last().and_then(|frame| frame.function.as_deref());
        LiveRow {
            fault,
            since_begin: Duration::from_nanos(fault.time.saturating_sub(begin)),
            mapping: mapping.map_or(Vec::new(), |mapping| match mapping.backing {
                Backing::Anonymous { name: None, .. } => b"private memory".to_vec(),
                _ => mapping.backing.label().into_vec(),
            }),
            offset: mapping.and_then(|mapping| fault.address.checked_sub(mapping.start)),
            module: module.map_or(Vec::new(), |module| module.as_os_str().as_bytes().to_vec()),
            function: innermost.map(|function| function.as_bytes().to_vec()),
        }
    }

    /// For people. It is written before the next one is known, so that nothing lines up behind a
    /// name.
    fn line(&self) -> String {
        let mapping = match &self.mapping[..] {
            b"" => "?".to_owned(),
            name => printable(name),
        };
        let offset = self
            .offset
            .map_or(String::new(), |offset| format!("+{offset:#x}"));
        let function = self.function.as_deref().map_or("?".to_owned(), printable);
        format!(
            "{:>11.6} {:>7} {} {:>#14x} {mapping}{offset} by {function} ({})\n",
            self.since_begin.as_secs_f64(),
            self.fault.thread,
            kind(&self.fault),
            self.fault.address,
            printable(&self.module)
        )
    }
}

fn kind(fault: &PageFault) -> &'static str {
    if fault.hard { "hard" } else { "soft" }
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r LiveRow) -> Value<'r>,
) -> Column<LiveRow> {
    Column::new(names, shape, "", value)
}

/// Writes a batch.
pub fn write(
    batch: &[(PageFault, Key)],
    begin: u64,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<()> {
    let mut rows = Vec::with_capacity(batch.len());
    for &(fault, key) in batch {
        let frames = tally.frames(key.program, &[fault.program_counter]);
        let frames = frames.first().map_or(&[][..], |frames| &**frames);
        rows.push(LiveRow::new(fault, key, frames, begin, tally));
    }
    if rows.is_empty() {
        return Ok(());
    }
    if output.format() == Format::Table {
        let lines: String = rows.iter().map(LiveRow::line).collect();
        return Ok(output.text(lines.as_bytes())?);
    }
    let mut document = output.document(None)?;
    document.rows("faults", &columns(), &rows)?;
    Ok(document.end()?)
}

fn columns() -> [Column<LiveRow>; 11] {
    [
        column(
            ("time", "TIME", "seconds_since_begin"),
            Shape::Number,
            |row| Value::Seconds(row.since_begin),
        ),
        column(("pid", "PID", "pid"), Shape::Number, |row| {
            Value::count(row.fault.process.get())
        }),
        column(("thread", "THREAD", "thread"), Shape::Number, |row| {
            Value::count(row.fault.thread)
        }),
        column(("cpu", "CPU", "cpu"), Shape::Number, |row| {
            Value::count(row.fault.cpu)
        }),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            Value::Word(kind(&row.fault))
        }),
        column(("address", "ADDRESS", "address"), Shape::Number, |row| {
            Value::Address(row.fault.address)
        }),
        column(
            ("offset", "OFFSET", "mapping_offset_bytes"),
            Shape::Number,
            |row| row.offset.map_or(Value::Unknown, Value::Offset),
        ),
        column(
            ("counter", "PROGRAM COUNTER", "program_counter"),
            Shape::Number,
            |row| Value::Address(row.fault.program_counter),
        ),
        column(("function", "FUNCTION", "function"), Shape::Name, |row| {
            row.function
                .as_deref()
                .map_or(Value::Unknown, |name| Value::Text(name.into()))
        }),
        column(("module", "MODULE", "module"), Shape::Path, |row| {
            Value::Text(row.module.as_slice().into())
        }),
        column(("mapping", "MAPPING", "mapping"), Shape::Path, |row| {
            Value::Text(row.mapping.as_slice().into())
        }),
    ]
}
