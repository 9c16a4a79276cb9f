//! `psapi empty`: moving what processes have in memory out of it.

use std::ffi::OsString;

use anyhow::Result;
use psapi::{EmptiedWorkingSet, Fields, ProcessId};

use crate::output::{Column, Shape, Value};
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi empty`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
}

/// A process and what emptying its working set did.
struct Row {
    pid: ProcessId,
    name: Option<OsString>,
    emptied: EmptiedWorkingSet,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let (rows, processes) = args.targets.rows(session, |process| {
        let status = process.status(Fields::STAT | Fields::IMAGE)?;
        Ok(vec![Row {
            pid: process.id(),
            name: status.display_name(),
            emptied: process.empty_working_set()?,
        }])
    });
    if processes == 0 {
        return Ok(());
    }
    let columns = columns();
    let columns = session.output.usual(&columns);
    let mut document = session.output.document(None)?;
    document.rows("emptied", &columns, &rows)?;
    let stayed = rows.iter().map(|row| row.emptied.remaining.no_page_file);
    if stayed.sum::<u64>() > 0 {
        document
            .line("private memory stayed: no page file has room for it, see psapi pagefiles")?;
    }
    Ok(document.end()?)
}

fn columns() -> [Column<Row>; 11] {
    [
        column(("pid", "PID", "pid"), Shape::Number, "", |row| {
            Value::count(row.pid.get())
        }),
        column(
            ("before", "BEFORE", "before_bytes"),
            Shape::Number,
            "the working set before",
            |row| Value::Bytes(row.emptied.before.total()),
        ),
        column(
            ("private-left", "PRIVATE LEFT", "private_left_bytes"),
            Shape::Number,
            "private memory that left",
            |row| Value::Bytes(row.emptied.left().private),
        ),
        column(
            ("file-left", "FILE LEFT", "file_left_bytes"),
            Shape::Number,
            "pages of files and of shared memory that left",
            |row| Value::Bytes(row.emptied.left().file),
        ),
        column(
            ("after", "AFTER", "after_bytes"),
            Shape::Number,
            "the working set afterwards",
            |row| Value::Bytes(row.emptied.after.total()),
        ),
        column(
            ("locked", "LOCKED", "remaining_locked_bytes"),
            Shape::Number,
            "of that, locked in memory",
            |row| Value::Bytes(row.emptied.remaining.locked),
        ),
        column(
            ("kernel", "KERNEL", "remaining_kernel_bytes"),
            Shape::Number,
            "of that, the kernel's",
            |row| Value::Bytes(row.emptied.remaining.kernel),
        ),
        column(
            ("shared", "SHARED", "remaining_shared_bytes"),
            Shape::Number,
            "of that, mapped elsewhere, too",
            |row| Value::Bytes(row.emptied.remaining.shared),
        ),
        column(
            (
                "no-page-file",
                "NO PAGE FILE",
                "remaining_no_page_file_bytes",
            ),
            Shape::Number,
            "of that, private, and no page file has room for it",
            |row| Value::Bytes(row.emptied.remaining.no_page_file),
        ),
        column(
            ("other", "OTHER", "remaining_other_bytes"),
            Shape::Number,
            "of that, the rest: used again, or of files that the caller may not write to",
            |row| Value::Bytes(row.emptied.remaining.other),
        ),
        column(("name", "NAME", "name"), Shape::Name, "", |row| {
            row.name.as_deref().map_or(Value::Unknown, Value::text)
        }),
    ]
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    about: &'static str,
    value: for<'r> fn(&'r Row) -> Value<'r>,
) -> Column<Row> {
    Column::new(names, shape, about, value)
}
