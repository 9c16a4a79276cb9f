//! `psapi mapped`: the file or memory mapped at an address.

use anyhow::Result;
use psapi::{Backing, Mapping, ProcessId};

use crate::columns::mapping;
use crate::output::{Column, Value, columns};
use crate::session::Session;
use crate::target::Target;

/// Options of `psapi mapped`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Addresses to look up: hexadecimal with 0x, or decimal
    #[arg(value_name = "ADDRESS", required = true, value_parser = address)]
    addresses: Vec<u64>,
}

/// An address of a process, and the mapping that contains it.
struct Row {
    pid: ProcessId,
    address: u64,
    mapping: Option<Mapping>,
}

fn address(text: &str) -> Result<u64, String> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = hexadecimal.map_or((text, 10), |digits| (digits, 16));
    Some(digits)
        // `from_str_radix` accepts a sign.
        .filter(|digits| !digits.starts_with('+'))
        .and_then(|digits| u64::from_str_radix(digits, radix).ok())
        .ok_or_else(|| {
            "expected an address of at most 64 bits, hexadecimal with 0x or decimal".to_owned()
        })
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut rows = Vec::new();
    args.target.for_each(session, |process| {
        let mappings = process.mappings()?;
        rows.extend(args.addresses.iter().map(|&address| Row {
            pid: process.id(),
            address,
            mapping: mapping_at(address, &mappings).cloned(),
        }));
        Ok(())
    });
    if rows.is_empty() {
        return Ok(());
    }
    let several = rows.iter().any(|row| row.pid != rows[0].pid);
    let columns = columns(&rows, several);
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    document.rows("mapped_files", &columns, &rows)?;
    document.end()?;
    for row in rows.iter().filter(|row| row.mapping.is_none()) {
        session.report(format_args!(
            "process {} has nothing mapped at {:#x}",
            row.pid, row.address
        ));
    }
    Ok(())
}

/// Returns the mapping that contains an address, from mappings by ascending address.
fn mapping_at(address: u64, mappings: &[Mapping]) -> Option<&Mapping> {
    let at = mappings.partition_point(|mapping| mapping.end <= address);
    mappings.get(at).filter(|mapping| mapping.start <= address)
}

fn columns(rows: &[Row], several: bool) -> Vec<Column<Row>> {
    let any_deleted = rows.iter().any(|row| row.deleted() == Some(true));
    columns! { row: Row;
        "pid"         "PID"     "pid"           Number: Value::count(row.pid.get()), priority 8, if several;
        "address"     "ADDRESS" "address"       Number: Value::Address(row.address), priority 9;
        "start"       "START"   "start_address" Number: row.mapping(|mapping| Value::Address(mapping.start)), priority 6;
        "size"        "SIZE"    "size_bytes"    Number: row.mapping(|mapping| Value::Bytes(mapping.size()));
        "permissions" "PERM"    "permissions"   Word:   row.mapping(mapping::permissions);
        "kind"        "KIND"    "kind"          Word:   row.mapping(mapping::kind), priority 8;
        "offset"      "OFFSET"  "offset_bytes"  Number: row.offset(), priority 7;
        "deleted"     "DELETED" "deleted"       Word:   row.deleted().map_or(Value::Unknown, Value::Flag), priority 7, if any_deleted;
        "path"        "PATH"    "path"          Path:   row.path(), if false;
        "name"        "NAME"    "name"          Path:   row.mapping(mapping::name), priority 9;
    }
}

impl Row {
    fn mapping<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        self.mapping.as_ref().map_or(Value::Unknown, value)
    }

    /// Returns the offset of the address in the file or shared memory.
    fn offset(&self) -> Value<'_> {
        let offset = self.mapping.as_ref().and_then(|mapping| {
            mapping.file?;
            mapping.offset?.checked_add(self.address - mapping.start)
        });
        offset.map_or(Value::Unknown, Value::Offset)
    }

    /// Whether the mapped file was deleted; `None` without a file.
    fn deleted(&self) -> Option<bool> {
        match self.mapping.as_ref()?.backing {
            Backing::File { deleted, .. } => Some(deleted),
            _ => None,
        }
    }

    /// Returns the path of the file, or the name of the shared memory.
    fn path(&self) -> Value<'_> {
        self.mapping(|mapping| match mapping.backing {
            Backing::File { .. }
            | Backing::Memfd { .. }
            | Backing::SysV { .. }
            | Backing::SharedAnonymous { .. } => mapping::name(mapping),
            _ => Value::Unknown,
        })
    }
}
