//! The pages themselves: a row a run of neighbours that are alike, or a row a page.

use anyhow::Result;
use psapi::{PageRun, ProcessId};

use super::source::Taken;
use super::{shown, words};
use crate::commands::maps;
use crate::output::{Column, Shape, Value};
use crate::session::Session;

/// How to show pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Pages {
    /// Neighbouring pages of one mapping that are alike in one row
    Runs,
    /// Each page in a row of its own
    Each,
}

struct Row<'a> {
    pid: ProcessId,
    page_size: u64,
    run: PageRun<'a>,
}

pub fn show(how: Pages, taken: &[Taken], session: &mut Session) -> Result<()> {
    let mut rows = Vec::new();
    for Taken { set, .. } in taken {
        let (pid, page_size) = (set.process(), set.page_size());
        for run in set.runs() {
            let step = match how {
                Pages::Runs => run.size(),
                Pages::Each => page_size,
            };
            let starts = (run.start..run.end).step_by(step as usize);
            rows.extend(starts.map(|start| {
                let mut run = run;
                (run.start, run.end) = (start, start + step);
                Row {
                    pid,
                    page_size,
                    run,
                }
            }));
        }
    }
    let columns = columns(&rows, taken.len() > 1);
    let columns = shown(&session.output, &columns);
    let mut document = session.output.document(None)?;
    document.rows("pages", &columns, &rows)?;
    Ok(document.end()?)
}

fn columns<'a>(rows: &[Row<'a>], several: bool) -> [Column<Row<'a>>; 14] {
    let has_several_nodes = rows
        .iter()
        .any(|row| row.run.node.is_some_and(|node| node > 0));
    [
        column(("pid", "PID", "pid"), Shape::Number, |row| {
            Value::count(row.pid.get())
        })
        .in_table_if(several),
        column(("start", "START", "start_address"), Shape::Number, |row| {
            Value::Address(row.run.start)
        }),
        column(("end", "END", "end_address"), Shape::Number, |row| {
            Value::Address(row.run.end)
        }),
        column(("pages", "PAGES", "pages"), Shape::Number, |row| {
            Value::Count(row.run.size() / row.page_size)
        }),
        column(("size", "SIZE", "size_bytes"), Shape::Number, |row| {
            Value::Bytes(row.run.size())
        }),
        column(("shares", "MAPPED", ""), Shape::Number, |row| {
            words::shares(&row.run)
        }),
        column(("shares", "MAPPED", "share_count"), Shape::Number, |row| {
            words::share_count(&row.run)
        })
        .in_table_if(false),
        column(("shared", "SHARED", "shared"), Shape::Word, |row| {
            words::is_shared(&row.run)
        })
        .in_table_if(false),
        column(("node", "NODE", "node"), Shape::Number, |row| {
            row.run.node.map_or(Value::Unknown, Value::count)
        })
        .in_table_if(has_several_nodes),
        column(
            ("attributes", "ATTRIBUTES", "attributes"),
            Shape::Word,
            |row| words::attributes(row.run.attributes),
        ),
        column(
            ("protection", "PROTECTION", "protection"),
            Shape::Word,
            |row| words::protection(row.run.protection()),
        ),
        column(("permissions", "PERM", "permissions"), Shape::Word, |row| {
            maps::permissions(row.run.mapping)
        })
        .in_table_if(false),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            maps::kind(row.run.mapping)
        }),
        column(("name", "NAME", "name"), Shape::Path, |row| {
            maps::name(row.run.mapping)
        }),
    ]
}

fn column<'a>(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r Row<'a>) -> Value<'r>,
) -> Column<Row<'a>> {
    Column::new(names, shape, "", value)
}
