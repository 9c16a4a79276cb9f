//! `psapi ws --pages`: one row per run of equal pages, or one row per page.

use std::ops::Range;

use anyhow::Result;
use psapi::{PageRun, ProcessId};

use super::labels;
use super::source::Sample;
use crate::columns::mapping;
use crate::output::{Column, Value, columns};
use crate::session::Session;
use crate::sort::{self, SortKey};

/// How to show pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Pages {
    /// One row per run of equal, adjacent pages
    Runs,
    /// One row per page
    Each,
}

/// A run of pages, or a single page.
struct Row<'a> {
    pid: ProcessId,
    page_size: u64,
    run: PageRun<'a>,
}

impl Pages {
    /// Returns the addresses of each row that shows a range of pages.
    pub fn rows(self, pages: Range<u64>, page_size: u64) -> impl Iterator<Item = Range<u64>> {
        let step = match self {
            Pages::Runs => pages.end - pages.start,
            Pages::Each => page_size,
        };
        let starts = pages.step_by(step as usize);
        starts.map(move |start| start..start + step)
    }
}

/// Returns the keys to sort by.
pub fn sort_keys() -> Vec<&'static str> {
    sort::keys(&columns(&[], true))
}

pub fn show(
    mode: Pages,
    samples: &[Sample],
    sort: &[SortKey],
    session: &mut Session,
) -> Result<()> {
    let all = columns(&[], true);
    let order = sort::columns(sort, &all);
    let mut rows = Vec::new();
    for Sample { set, .. } in samples {
        let (pid, page_size) = (set.process(), set.page_size());
        let runs = set.runs().flat_map(|run| {
            let ranges = mode.rows(run.start..run.end, page_size);
            ranges.map(move |range| {
                let mut run = run;
                (run.start, run.end) = (range.start, range.end);
                Row {
                    pid,
                    page_size,
                    run,
                }
            })
        });
        let mut runs: Vec<Row<'_>> = runs.collect();
        sort::sort(&order, &mut runs);
        rows.append(&mut runs);
    }
    let mut columns = columns(&rows, samples.len() > 1);
    sort::keep(sort, &mut columns);
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    document.rows("pages", &columns, &rows)?;
    Ok(document.end()?)
}

fn columns<'a>(rows: &[Row<'a>], several: bool) -> Vec<Column<Row<'a>>> {
    let has_several_nodes = rows
        .iter()
        .any(|row| row.run.node.is_some_and(|node| node > 0));
    columns! { row: Row<'a>;
        "pid"         "PID"        "pid"           Number: Value::count(row.pid.get()), priority 8, if several;
        "start"       "START"      "start_address" Number: Value::Address(row.run.start), priority 9;
        "end"         "END"        "end_address"   Number: Value::Address(row.run.end), priority 6;
        "pages"       "PAGES"      "pages"         Number: Value::Count(row.run.size() / row.page_size);
        "size"        "SIZE"       "size_bytes"    Number: Value::Bytes(row.run.size()), priority 7;
        "shares"      "MAPPED"     ""              Number: labels::shares(&row.run), priority 6;
        "shares"      "MAPPED"     "share_count"   Number: labels::share_count(&row.run), if false;
        "shared"      "SHARED"     "shared"        Word:   labels::is_shared(&row.run), if false;
        "node"        "NODE"       "node"          Number: row.run.node.map_or(Value::Unknown, Value::count), if has_several_nodes;
        "attributes"  "ATTRIBUTES" "attributes"    Name:   labels::attributes(row.run.attributes), priority 8;
        "protection"  "PROTECTION" "protection"    Word:   labels::protection(row.run.protection()), priority 4;
        "permissions" "PERM"       "permissions"   Word:   mapping::permissions(row.run.mapping), if false;
        "kind"        "KIND"       "kind"          Word:   mapping::kind(row.run.mapping);
        "name"        "NAME"       "name"          Path:   mapping::name(row.run.mapping), priority 9;
    }
}
