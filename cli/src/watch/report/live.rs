//! Prints faults as they happen, one line each.

use std::time::Duration;

use anyhow::Result;
use psapi::{Backing, Location};

use super::resolved_code::ResolvedCode;
use crate::output::{Column, Format, Output, Value, columns, printable};
use crate::watch::engine::tally::{FaultKey, Tally};
use crate::watch::engine::{CODE, Fault, Frame, fault_cpu, is_major};

/// A fault with its mapping, module and function.
#[derive(Debug)]
pub struct LiveRow {
    fault: Fault,
    since_begin: Duration,
    mapping: Vec<u8>,
    offset: Option<u64>,
    file_offset: Option<u64>,
    /// The module that contains the address.
    accessed: Option<ModuleOffset>,
    module: Vec<u8>,
    /// The offset of the program counter in its module.
    module_offset: Option<u64>,
    function: Option<Vec<u8>>,
}

/// The path of a module, and the distance of an address from its base in bytes. `addr2line` takes
/// this distance, except for a program with fixed addresses.
#[derive(Debug)]
struct ModuleOffset {
    path: Vec<u8>,
    offset: u64,
}

impl ModuleOffset {
    fn new(location: &Location<'_>) -> Option<Self> {
        Some(ModuleOffset {
            path: location
                .module?
                .path
                .as_os_str()
                .as_encoded_bytes()
                .to_vec(),
            offset: location.module_offset()?,
        })
    }
}

impl LiveRow {
    fn new(fault: Fault, key: FaultKey, frames: &[Frame], begin_ns: u64, tally: &Tally) -> Self {
        let program = &tally.programs[key.program];
        let mapping = program.regions[key.region].mapping.as_ref();
        let module = program.module(fault.program_counter, frames);
        let resolve = |address| program.space.as_ref()?.map.resolve(address);
        let accessed = resolve(fault.address);
        let code = resolve(fault.program_counter);
        let innermost = frames.last().and_then(|frame| frame.function.as_deref());
        LiveRow {
            fault,
            since_begin: Duration::from_nanos(fault.time.saturating_sub(begin_ns)),
            mapping: mapping.map_or(Vec::new(), |mapping| match mapping.backing {
                Backing::Anonymous { name: None, .. } => b"private memory".to_vec(),
                _ => mapping.backing.label().into_encoded_bytes(),
            }),
            offset: mapping.and_then(|mapping| fault.address.checked_sub(mapping.start)),
            file_offset: accessed.and_then(|location| location.file_offset()),
            accessed: accessed.as_ref().and_then(ModuleOffset::new),
            module_offset: code.and_then(|location| location.module_offset()),
            module: module.map_or(Vec::new(), |module| {
                module.as_os_str().as_encoded_bytes().to_vec()
            }),
            function: innermost.map(|function| function.as_bytes().to_vec()),
        }
    }

    /// Formats the fault as a line of text. Only the columns before the first name are aligned,
    /// because later rows and the lengths of their names are not known yet.
    fn line(&self) -> String {
        let offset =
            |offset: Option<u64>| offset.map_or(String::new(), |offset| format!("+{offset:#x}"));
        // An offset counts from where its name suggests: a module's base, a file's start, or the
        // start of other memory.
        let place = match (&self.accessed, &self.mapping[..]) {
            (Some(module), _) => printable(&module.path) + &offset(Some(module.offset)),
            (None, b"") => "?".to_owned(),
            (None, name) => printable(name) + &offset(self.file_offset.or(self.offset)),
        };
        let module = printable(&self.module) + &offset(self.module_offset);
        let code = match self.function.as_deref().map(printable) {
            _ if !CODE.has_symbols && module.is_empty() => {
                format!("{:#x}", self.fault.program_counter)
            }
            _ if !CODE.has_symbols => module,
            Some(function) => format!("{function} ({module})"),
            None => format!("? ({module})"),
        };
        format!(
            "{:>11.6} {:>7} {} {:>#14x} {place} by {code}\n",
            self.since_begin.as_secs_f64(),
            self.fault.thread,
            kind(&self.fault),
            self.fault.address,
        )
    }
}

/// Returns the kind of a fault; `?` if it is unknown.
fn kind(fault: &Fault) -> &'static str {
    match is_major(fault) {
        Some(true) => "major",
        Some(false) => "minor",
        None => "?",
    }
}

/// Writes a batch of faults.
pub fn write(
    batch: &[(Fault, FaultKey)],
    begin_ns: u64,
    tally: &mut Tally,
    output: &mut Output,
) -> Result<()> {
    let instructions = batch
        .iter()
        .map(|(_, key)| (key.program, key.program_counter));
    let code = ResolvedCode::of(instructions, tally);
    let rows: Vec<LiveRow> = batch
        .iter()
        .map(|&(fault, key)| {
            let frames = code.frames(key.program, key.program_counter);
            LiveRow::new(fault, key, frames, begin_ns, tally)
        })
        .collect();
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

fn columns() -> Vec<Column<LiveRow>> {
    columns! { row: LiveRow;
        "time" "TIME" "seconds_since_begin" Number: Value::Seconds(row.since_begin);
        "pid" "PID" "pid" Number: Value::count(row.fault.process.get());
        "thread" "THREAD" "thread" Number: Value::count(row.fault.thread);
        "cpu" "CPU" "cpu" Number: fault_cpu(&row.fault).map_or(Value::Unknown, Value::count);
        "kind" "KIND" "kind" Word: is_major(&row.fault).map_or(Value::Unknown, |_| Value::Word(kind(&row.fault)));
        "address" "ADDRESS" "address" Number: Value::Address(row.fault.address);
        "offset" "OFFSET" "mapping_offset_bytes" Number: row.offset.map_or(Value::Unknown, Value::Offset);
        "file-offset" "FILE OFFSET" "file_offset_bytes" Number:
            row.file_offset.map_or(Value::Unknown, Value::Offset);
        "accessed-module" "ACCESSED MODULE" "accessed_module" Path: row
            .accessed
            .as_ref()
            .map_or(Value::Unknown, |module| Value::Text(module.path.as_slice().into()));
        "accessed-offset" "ACCESSED OFFSET" "accessed_module_offset_bytes" Number: row
            .accessed
            .as_ref()
            .map_or(Value::Unknown, |module| Value::Offset(module.offset));
        "counter" "PROGRAM COUNTER" "program_counter" Number: Value::Address(row.fault.program_counter);
        "function" "FUNCTION" "function" Name:
            row.function.as_deref().map_or(Value::Unknown, |name| Value::Text(name.into()));
        "module" "MODULE" "module" Path: Value::Text(row.module.as_slice().into());
        "module-offset" "MODULE OFFSET" "module_offset_bytes" Number:
            row.module_offset.map_or(Value::Unknown, Value::Offset);
        "mapping" "MAPPING" "mapping" Path: Value::Text(row.mapping.as_slice().into());
    }
}
