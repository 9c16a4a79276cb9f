//! `psapi modules`: the executable, the libraries and the vDSO of processes.

use anyhow::Result;
use psapi::{Module, ModuleClass, ModuleFields, ModuleFilter, ProcessId};

use crate::diagnostics;
use crate::output::{Column, Format, Value, columns};
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi modules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// List only 32-bit modules; with --64, list both
    #[arg(long = "32")]
    only_32: bool,
    /// List only 64-bit modules; with --32, list both
    #[arg(long = "64")]
    only_64: bool,
    /// Also show entry point, soname and build id in tables
    #[arg(long, short = 'l')]
    details: bool,
}

/// A module of a process.
struct Row {
    pid: ProcessId,
    module: Module,
}

/// The titles of the columns that --details adds.
const DETAILS: [&str; 3] = ["ENTRY", "SONAME", "BUILD ID"];

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let filter = match (args.only_32, args.only_64) {
        (true, false) => ModuleFilter::Only32Bit,
        (false, true) => ModuleFilter::Only64Bit,
        _ => ModuleFilter::All,
    };
    let details = args.details || session.output.format() != Format::Table;
    let mut fields = ModuleFields::empty();
    fields.set(ModuleFields::SONAME | ModuleFields::BUILD_ID, details);
    let (rows, processes) = args.targets.rows(session, |process| {
        let row = |module| Row {
            pid: process.id(),
            module,
        };
        let modules = process.modules_with(filter, fields)?;
        Ok(modules.into_iter().map(row).collect())
    });
    if processes == 0 {
        return Ok(());
    }
    let columns = columns(&rows, processes > 1, args.details);
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    document.rows("modules", &columns, &rows)?;
    let left_out = document.left_out().to_vec();
    document.end()?;
    if args.details {
        diagnostics::warn_left_out(&left_out, &DETAILS);
    }
    Ok(())
}

fn columns(rows: &[Row], several: bool, details: bool) -> Vec<Column<Row>> {
    let any_deleted = rows.iter().any(|row| row.module.deleted);
    columns! { row: Row;
        "pid"      "PID"      "pid"          Number: Value::count(row.pid.get()), priority 8, if several;
        "base"     "BASE"     "base_address" Number: Value::Address(row.module.base), priority 8;
        "size"     "SIZE"     "size_bytes"   Number: Value::Bytes(row.module.size), priority 6;
        "entry"    "ENTRY"    "entry_point"  Number: row.module.entry_point.map_or(Value::Unknown, Value::Address), priority 4, if details;
        "class"    "BITS"     "class_bits"   Number: row.bits(), priority 3;
        "soname"   "SONAME"   "soname"       Name:   row.module.soname.as_deref().map_or(Value::Unknown, Value::text), priority 4, if details;
        "build-id" "BUILD ID" "build_id"     Word:   row.build_id(), priority 5, if details;
        "deleted"  "DELETED"  "deleted"      Word:   Value::Flag(row.module.deleted), priority 7, if any_deleted;
        "path"     "PATH"     "path"         Path:   Value::path(&row.module.path), priority 9;
    }
}

impl Row {
    fn bits(&self) -> Value<'_> {
        Value::Count(match self.module.class {
            ModuleClass::Bits32 => 32,
            ModuleClass::Bits64 => 64,
        })
    }

    fn build_id(&self) -> Value<'_> {
        let id = self.module.build_id.as_ref();
        id.map_or(Value::Unknown, |id| {
            Value::Text(id.to_string().into_bytes().into())
        })
    }
}
