//! `psapi empty`: evicts processes' pages from memory.

use std::ffi::OsString;

use anyhow::Result;
use psapi::{EmptiedWorkingSet, Fields, ProcessId};

use crate::output::{Column, Value, columns};
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi empty`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
}

/// A process, and the result of emptying its working set.
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
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    document.rows("emptied", &columns, &rows)?;
    let remaining = rows.iter().map(|row| row.emptied.remaining.no_page_file);
    if remaining.sum::<u64>() > 0 {
        document.line(
            "some private memory remains because no page file has room for it; see psapi pagefiles",
        )?;
    }
    Ok(document.end()?)
}

fn columns() -> Vec<Column<Row>> {
    columns! { row: Row;
        "pid"             "PID"             "pid"                          Number: Value::count(row.pid.get()), priority 9;
        "before"          "BEFORE"          "before_bytes"                 Number: Value::Bytes(row.emptied.before.total()), "the working set before", priority 8;
        "private-evicted" "PRIVATE EVICTED" "private_evicted_bytes"        Number: Value::Bytes(row.emptied.evicted().private), "private memory that was evicted", priority 7;
        "file-evicted"    "FILE EVICTED"    "file_evicted_bytes"           Number: Value::Bytes(row.emptied.evicted().file), "pages backed by files, and shared memory, that were evicted", priority 7;
        "after"           "AFTER"           "after_bytes"                  Number: Value::Bytes(row.emptied.after.total()), "the working set afterwards", priority 8;
        "locked"          "LOCKED"          "remaining_locked_bytes"       Number: Value::Bytes(row.emptied.remaining.locked), "remaining because it is locked in memory", priority 4;
        "kernel"          "KERNEL"          "remaining_kernel_bytes"       Number: Value::Bytes(row.emptied.remaining.kernel), "remaining because it belongs to the kernel", priority 4;
        "shared"          "SHARED"          "remaining_shared_bytes"       Number: Value::Bytes(row.emptied.remaining.shared), "remaining because it is also mapped elsewhere", priority 4;
        "no-page-file"    "NO PAGE FILE"    "remaining_no_page_file_bytes" Number: Value::Bytes(row.emptied.remaining.no_page_file), "private memory that remains because no page file has room";
        "other"           "OTHER"           "remaining_other_bytes"        Number: Value::Bytes(row.emptied.remaining.other), "remaining for other reasons: accessed again, or backed by files that the caller cannot write", priority 3;
        "name"            "NAME"            "name"                         Name:   row.name.as_deref().map_or(Value::Unknown, Value::text), priority 9;
    }
}
