//! Changes between two working sets by pages: one row per run of pages that changed in the same
//! way, or one row per page.

use anyhow::Result;
use psapi::{DifferenceKind, Mapping, PageDifference, PageRun, ProcessId, WorkingSetDifference};

use super::change::Change;
use super::labels;
use super::pages::Pages;
use crate::columns::mapping;
use crate::output::{Column, Document, Value, columns};
use crate::sort::{self, SortKey};

/// Adjacent pages that were added or removed, or that changed in the same way.
struct Row<'a> {
    pid: ProcessId,
    page_size: u64,
    pages: PageDifference<'a>,
}

/// Returns the keys to sort by.
pub fn sort_keys() -> Vec<&'static str> {
    sort::keys(&columns(true))
}

pub fn show(
    mode: Pages,
    changes: &[Change<'_>],
    sort: &[SortKey],
    document: &mut Document<'_>,
) -> Result<()> {
    let mut columns = columns(changes.len() > 1);
    sort::keep(sort, &mut columns);
    let order = sort::columns(sort, &columns);
    let mut rows = Vec::new();
    for change in changes {
        let mut pages = rows_of(mode, &change.difference);
        sort::sort(&order, &mut pages);
        rows.append(&mut pages);
    }
    let columns = document.visible(&columns);
    Ok(document.rows("page_differences", &columns, &rows)?)
}

fn rows_of<'a>(mode: Pages, difference: &WorkingSetDifference<'a>) -> Vec<Row<'a>> {
    let (pid, page_size) = (difference.after().process(), difference.after().page_size());
    let rows = difference.pages().flat_map(|pages| {
        let ranges = mode.rows(pages.start..pages.end, page_size);
        ranges.map(move |range| {
            let mut pages = pages;
            (pages.start, pages.end) = (range.start, range.end);
            Row {
                pid,
                page_size,
                pages,
            }
        })
    });
    rows.collect()
}

fn columns<'a>(several: bool) -> Vec<Column<Row<'a>>> {
    columns! { row: Row<'a>;
        "pid"           "PID"           "pid"                Number: Value::count(row.pid.get()), priority 8, if several;
        "start"         "START"         "start_address"      Number: Value::Address(row.pages.start), priority 8;
        "end"           "END"           "end_address"        Number: Value::Address(row.pages.end), priority 4;
        "pages"         "PAGES"         "pages"              Number: Value::Count(row.pages.size() / row.page_size), priority 3;
        "size"          "SIZE"          "size_bytes"         Number: Value::Bytes(row.pages.size()), priority 4;
        "difference"    "DIFFERENCE"    "difference"         Word:   row.difference(), priority 8;
        "what"          "WHAT"          "changes"            Name:   labels::transitions(row.pages.transitions), priority 7;
        "before"        "BEFORE"        "attributes_before"  Name:   row.before(|run| labels::attributes(run.attributes));
        "after"         "AFTER"         "attributes"         Name:   row.after(|run| labels::attributes(run.attributes));
        "shares-before" "MAPPED BEFORE" "share_count_before" Number: row.before(labels::share_count), if false;
        "shares"        "MAPPED"        "share_count"        Number: row.after(labels::share_count), if false;
        "mapped"        "MAPPED"        ""                   Word:   row.after(labels::shares), priority 4;
        "protection"    "PROTECTION"    "protection"         Word:   row.after(|run| labels::protection(run.protection())), if false;
        "permissions"   "PERM"          "permissions"        Word:   row.of_mapping(mapping::permissions), priority 4;
        "kind"          "KIND"          "kind"               Word:   row.of_mapping(mapping::kind), priority 4;
        "name"          "NAME"          "name"               Path:   row.of_mapping(mapping::name), priority 9;
    }
}

impl Row<'_> {
    fn difference(&self) -> Value<'_> {
        Value::Word(match self.pages.kind() {
            DifferenceKind::Added => "added",
            DifferenceKind::Removed => "removed",
            DifferenceKind::Changed => "changed",
            DifferenceKind::SharesChanged => "shares",
        })
    }

    fn before(&self, value: fn(&PageRun<'_>) -> Value<'static>) -> Value<'_> {
        self.pages.before.as_ref().map_or(Value::Unknown, value)
    }

    fn after(&self, value: fn(&PageRun<'_>) -> Value<'static>) -> Value<'_> {
        self.pages.after.as_ref().map_or(Value::Unknown, value)
    }

    /// Returns a value of the mapping that contains the pages now, or that contained them before.
    fn of_mapping(&self, value: fn(&Mapping) -> Value<'static>) -> Value<'_> {
        let run = self.pages.after.as_ref().or(self.pages.before.as_ref());
        run.map_or(Value::Unknown, |run| value(run.mapping))
    }
}
