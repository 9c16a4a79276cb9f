//! `psapi pagefiles`: where memory goes when RAM is short.

use anyhow::Result;
use psapi::{PageFile, PageFileKind};

use crate::output::{Column, Shape, Value};
use crate::session::Session;

/// Options of `psapi pagefiles`.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_: &Args, session: &mut Session) -> Result<()> {
    let files = session.system.page_files()?;
    let columns = columns();
    let columns = session.output.usual(&columns);
    let mut document = session.output.document(None)?;
    if files.is_empty() {
        document.line("no page files: this system has no swap in use")?;
    }
    document.rows_if_any("page_files", &columns, &files)?;
    Ok(document.end()?)
}

fn columns() -> [Column<PageFile>; 7] {
    [
        column(("total", "TOTAL", "total_bytes"), Shape::Number, |file| {
            Value::Bytes(file.total)
        }),
        column(
            ("in-use", "IN USE", "in_use_bytes"),
            Shape::Number,
            |file| Value::Bytes(file.in_use),
        ),
        column(("peak", "PEAK", "peak_bytes"), Shape::Number, |file| {
            file.peak.map_or(Value::Unknown, Value::Bytes)
        })
        .in_table_if(false),
        column(
            ("priority", "PRIORITY", "priority"),
            Shape::Number,
            |file| Value::Signed(file.priority.into()),
        ),
        column(("kind", "KIND", "kind"), Shape::Word, |file| {
            Value::Word(match file.kind {
                PageFileKind::Partition => "partition",
                PageFileKind::File => "file",
                _ => "other",
            })
        }),
        column(("deleted", "DELETED", "deleted"), Shape::Word, |file| {
            Value::Flag(file.deleted)
        }),
        column(("path", "PATH", "path"), Shape::Path, |file| {
            Value::path(&file.path)
        }),
    ]
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r PageFile) -> Value<'r>,
) -> Column<PageFile> {
    Column::new(names, shape, "", value)
}
