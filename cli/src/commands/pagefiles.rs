//! `psapi pagefiles`: the swap files and partitions in use.

use anyhow::Result;
use psapi::{PageFile, PageFileKind};

use crate::output::{Column, Value, columns};
use crate::session::Session;
use crate::sys::texts;

/// Options of `psapi pagefiles`.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_: &Args, session: &mut Session) -> Result<()> {
    let files = session.system.page_files()?;
    let columns = columns();
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    if files.is_empty() {
        document.line(texts::NO_PAGE_FILES)?;
    }
    document.rows_if_any("page_files", &columns, &files)?;
    Ok(document.end()?)
}

fn columns() -> Vec<Column<PageFile>> {
    columns! { file: PageFile;
        "total"    "TOTAL"    "total_bytes"  Number: Value::Bytes(file.total), priority 8;
        "in-use"   "IN USE"   "in_use_bytes" Number: Value::Bytes(file.in_use), priority 8;
        "peak"     "PEAK"     "peak_bytes"   Number: Value::bytes(file.peak), if false;
        "priority" "PRIORITY" "priority"     Number: file.priority.map_or(Value::Unknown, |priority| Value::Signed(priority.into()));
        "kind"     "KIND"     "kind"         Word:   kind(file), priority 6;
        "deleted"  "DELETED"  "deleted"      Word:   Value::Flag(file.deleted);
        "path"     "PATH"     "path"         Path:   Value::path(&file.path), priority 9;
    }
}

fn kind(file: &PageFile) -> Value<'_> {
    Value::Word(match file.kind {
        PageFileKind::Partition => "partition",
        PageFileKind::File => "file",
        _ => "other",
    })
}
