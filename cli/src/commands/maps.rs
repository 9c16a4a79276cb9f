//! `psapi maps`: the mappings of processes.

use std::borrow::Cow;
use std::os::unix::ffi::OsStringExt;

use anyhow::Result;
use psapi::{Backing, Mapping, ProcessId};

use crate::output::{Column, Shape, Value};
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi maps`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// End address, device and inode in tables, too
    #[arg(long, short = 'l')]
    details: bool,
}

/// A mapping and whose it is.
struct Row {
    pid: ProcessId,
    mapping: Mapping,
}

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
    let columns = session.output.usual(&columns);
    let mut document = session.output.document(None)?;
    document.rows("mappings", &columns, &rows)?;
    Ok(document.end()?)
}

fn columns(rows: &[Row], several: bool, details: bool) -> [Column<Row>; 11] {
    let any_deleted = rows.iter().any(|row| deleted(&row.mapping) == Some(true));
    [
        column(("pid", "PID", "pid"), Shape::Number, |row| {
            Value::count(row.pid.get())
        })
        .in_table_if(several),
        column(("start", "START", "start_address"), Shape::Number, |row| {
            Value::Address(row.mapping.start)
        }),
        column(("end", "END", "end_address"), Shape::Number, |row| {
            Value::Address(row.mapping.end)
        })
        .in_table_if(details),
        column(("size", "SIZE", "size_bytes"), Shape::Number, |row| {
            Value::Bytes(row.mapping.size())
        }),
        column(("permissions", "PERM", "permissions"), Shape::Word, |row| {
            permissions(&row.mapping)
        }),
        column(("offset", "OFFSET", "offset_bytes"), Shape::Number, |row| {
            row.mapping
                .file
                .map_or(Value::Unknown, |_| Value::Offset(row.mapping.offset))
        }),
        column(("device", "DEVICE", "device"), Shape::Word, |row| {
            row.mapping.file.map_or(Value::Unknown, |file| {
                Value::Text(Cow::Owned(
                    format!("{}:{}", file.major, file.minor).into_bytes(),
                ))
            })
        })
        .in_table_if(details),
        column(("inode", "INODE", "inode"), Shape::Number, |row| {
            row.mapping
                .file
                .map_or(Value::Unknown, |file| Value::Count(file.inode))
        })
        .in_table_if(details),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            kind(&row.mapping)
        }),
        column(("deleted", "DELETED", "deleted"), Shape::Word, |row| {
            deleted(&row.mapping).map_or(Value::Unknown, Value::Flag)
        })
        .in_table_if(any_deleted),
        column(("name", "NAME", "name"), Shape::Path, |row| {
            name(&row.mapping)
        }),
    ]
}

/// As `maps` writes them: `r-xp`.
pub fn permissions(mapping: &Mapping) -> Value<'static> {
    let letter = |allowed: bool, letter: u8| if allowed { letter } else { b'-' };
    Value::Text(Cow::Owned(vec![
        letter(mapping.readable, b'r'),
        letter(mapping.writable, b'w'),
        letter(mapping.executable, b'x'),
        if mapping.shared { b's' } else { b'p' },
    ]))
}

/// Whether its file was deleted; `None` without a file.
pub fn deleted(mapping: &Mapping) -> Option<bool> {
    match mapping.backing {
        Backing::File { deleted, .. } => Some(deleted),
        _ => None,
    }
}

pub fn kind(mapping: &Mapping) -> Value<'static> {
    Value::Word(match mapping.backing {
        Backing::File { .. } => "file",
        Backing::Memfd { .. } => "memfd",
        Backing::SysV { .. } => "sysv",
        Backing::SharedAnonymous { .. } => "shared",
        Backing::Anonymous { .. } => "anonymous",
        Backing::Heap => "heap",
        Backing::Stack => "stack",
        Backing::Vdso => "vdso",
        Backing::Kernel { .. } => "kernel",
        _ => "other",
    })
}

pub fn name(mapping: &Mapping) -> Value<'static> {
    Value::Text(Cow::Owned(mapping.backing.label().into_vec()))
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r Row) -> Value<'r>,
) -> Column<Row> {
    Column::new(names, shape, "", value)
}
