//! `psapi maps`: the mappings of processes.

use anyhow::Result;
use psapi::{Backing, Mapping, ProcessId};

use crate::columns::mapping;
use crate::diagnostics;
use crate::output::{Column, Value, columns};
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi maps`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Also show end address, device and inode in tables
    #[arg(long, short = 'l')]
    details: bool,
}

/// A mapping of a process.
struct Row {
    pid: ProcessId,
    mapping: Mapping,
}

/// The titles of the columns that --details adds.
const DETAILS: [&str; 3] = ["END", "DEVICE", "INODE"];

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let (rows, processes) = args.targets.rows(session, |process| {
        let row = |mapping| Row {
            pid: process.id(),
            mapping,
        };
        Ok(process.mappings()?.into_iter().map(row).collect())
    });
    if processes == 0 {
        return Ok(());
    }
    let columns = columns(&rows, processes > 1, args.details);
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    document.rows("mappings", &columns, &rows)?;
    let left_out = document.left_out().to_vec();
    document.end()?;
    if args.details {
        diagnostics::warn_left_out(&left_out, &DETAILS);
    }
    Ok(())
}

fn columns(rows: &[Row], several: bool, details: bool) -> Vec<Column<Row>> {
    let any_deleted = rows.iter().any(|row| row.deleted() == Some(true));
    columns! { row: Row;
        "pid"         "PID"     "pid"           Number: Value::count(row.pid.get()), priority 8, if several;
        "start"       "START"   "start_address" Number: Value::Address(row.mapping.start), priority 8;
        "end"         "END"     "end_address"   Number: Value::Address(row.mapping.end), if details;
        "size"        "SIZE"    "size_bytes"    Number: Value::Bytes(row.mapping.size()), priority 7;
        "permissions" "PERM"    "permissions"   Word:   mapping::permissions(&row.mapping), priority 7;
        "offset"      "OFFSET"  "offset_bytes"  Number: row.offset(), priority 4;
        "device"      "DEVICE"  "device"        Word:   row.device(), priority 3, if details;
        "inode"       "INODE"   "inode"         Number: row.inode(), priority 3, if details;
        "kind"        "KIND"    "kind"          Word:   mapping::kind(&row.mapping);
        "deleted"     "DELETED" "deleted"       Word:   row.deleted().map_or(Value::Unknown, Value::Flag), priority 6, if any_deleted;
        "name"        "NAME"    "name"          Path:   mapping::name(&row.mapping), priority 9;
    }
}

impl Row {
    fn offset(&self) -> Value<'_> {
        let offset = self.mapping.file.and(self.mapping.offset);
        offset.map_or(Value::Unknown, Value::Offset)
    }

    fn device(&self) -> Value<'_> {
        self.mapping.file.map_or(Value::Unknown, |file| {
            let device = format!("{}:{}", file.major, file.minor);
            Value::Text(device.into_bytes().into())
        })
    }

    fn inode(&self) -> Value<'_> {
        let inode = self.mapping.file.map(|file| file.inode);
        inode.map_or(Value::Unknown, Value::Count)
    }

    /// Whether the mapped file was deleted; `None` without a file.
    fn deleted(&self) -> Option<bool> {
        match self.mapping.backing {
            Backing::File { deleted, .. } => Some(deleted),
            _ => None,
        }
    }
}
