//! `psapi modules`: the executable, the libraries, the vDSO.

use std::borrow::Cow;

use anyhow::Result;
use psapi::{Module, ModuleClass, ModuleFields, ModuleFilter, ProcessId};

use crate::output::{Column, Format, Shape, Value};
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi modules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Only 32-bit modules
    #[arg(long = "32", conflicts_with = "only_64")]
    only_32: bool,
    /// Only 64-bit modules
    #[arg(long = "64")]
    only_64: bool,
    /// Entry point, soname and build id in tables, too
    #[arg(long, short = 'l')]
    details: bool,
}

/// A module and whose it is.
struct Row {
    pid: ProcessId,
    module: Module,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let filter = match (args.only_32, args.only_64) {
        (true, _) => ModuleFilter::Only32Bit,
        (_, true) => ModuleFilter::Only64Bit,
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
    let columns = session.output.usual(&columns);
    let mut document = session.output.document(None)?;
    document.rows("modules", &columns, &rows)?;
    Ok(document.end()?)
}

fn columns(rows: &[Row], several: bool, details: bool) -> [Column<Row>; 9] {
    let deleted = rows.iter().any(|row| row.module.deleted);
    [
        column(("pid", "PID", "pid"), Shape::Number, |row| {
            Value::count(row.pid.get())
        })
        .in_table_if(several),
        column(("base", "BASE", "base_address"), Shape::Number, |row| {
            Value::Address(row.module.base)
        }),
        column(("size", "SIZE", "size_bytes"), Shape::Number, |row| {
            Value::Bytes(row.module.size)
        }),
        column(("entry", "ENTRY", "entry_point"), Shape::Number, |row| {
            row.module
                .entry_point
                .map_or(Value::Unknown, Value::Address)
        })
        .in_table_if(details),
        column(("class", "BITS", "class_bits"), Shape::Number, |row| {
            Value::Count(match row.module.class {
                ModuleClass::Bits32 => 32,
                ModuleClass::Bits64 => 64,
            })
        }),
        column(("soname", "SONAME", "soname"), Shape::Name, |row| {
            row.module
                .soname
                .as_deref()
                .map_or(Value::Unknown, Value::text)
        })
        .in_table_if(details),
        column(("build-id", "BUILD ID", "build_id"), Shape::Word, |row| {
            row.module.build_id.as_ref().map_or(Value::Unknown, |id| {
                Value::Text(Cow::Owned(id.to_string().into_bytes()))
            })
        })
        .in_table_if(details),
        column(("deleted", "DELETED", "deleted"), Shape::Word, |row| {
            Value::Flag(row.module.deleted)
        })
        .in_table_if(deleted),
        column(("path", "PATH", "path"), Shape::Path, |row| {
            Value::path(&row.module.path)
        }),
    ]
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r Row) -> Value<'r>,
) -> Column<Row> {
    Column::new(names, shape, "", value)
}
