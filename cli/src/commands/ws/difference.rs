//! What changed between two working sets.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use psapi::{
    DifferenceKind, DifferenceTotals, Mapping, MappingDifference, PageDifference, PageRun,
    ProcessId, WorkingSet, WorkingSetDifference,
};

use super::source::{self, Taken};
use super::totals::keep_telling;
use super::{Args, shown, words};
use crate::cli::usage;
use crate::commands::maps;
use crate::output::{Column, Format, Shape, Value};
use crate::session::Session;

/// What changed since one that was saved.
pub fn show(
    args: &Args,
    before: &WorkingSet,
    taken: &[Taken],
    session: &mut Session,
) -> Result<()> {
    let mut differences = Vec::new();
    for after in taken {
        match after.set.difference(before) {
            Ok(difference) => differences.push(difference),
            Err(error) => session.report(error),
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    write(args, None, &differences, session)
}

/// What changed since the sample before, again and again.
pub fn repeat(args: &Args, interval: Duration, session: &mut Session) -> Result<()> {
    let mut targets = args.targets.watch();
    let by_id = |taken: Vec<Taken>| -> HashMap<ProcessId, Taken> {
        let id = |taken: Taken| (taken.set.process(), taken);
        taken.into_iter().map(id).collect()
    };
    let mut before = by_id(source::take(args, &mut targets, session));
    if before.is_empty() {
        return Ok(());
    }
    args.repeat.run_later(interval, |at| {
        let taken = source::take(args, &mut targets, session);
        if taken.is_empty() {
            return Ok(false);
        }
        // Of one that came since, or has an id that another had, there is nothing to compare with.
        let differences: Vec<_> = taken
            .iter()
            .filter_map(|after| {
                let before = before.get(&after.set.process())?;
                after.set.difference(&before.set).ok()
            })
            .collect();
        write(args, at, &differences, session)?;
        before = by_id(taken);
        Ok(true)
    })
}

fn write(
    args: &Args,
    at: Option<Duration>,
    differences: &[WorkingSetDifference<'_>],
    session: &mut Session,
) -> Result<()> {
    if args.pages == Some(super::Pages::Each) {
        return Err(usage("what changed is shown by runs: --pages"));
    }
    let several = differences.len() > 1;
    let hide_empty = session.output.format() == Format::Table && !args.all;
    if args.pages.is_some() {
        let rows: Vec<PagesRow<'_>> = differences.iter().flat_map(pages_of).collect();
        let columns = pages_columns(several);
        let columns = shown(&session.output, &columns);
        let mut document = session.output.document(at)?;
        document.rows("page_differences", &columns, &rows)?;
        return Ok(document.end()?);
    }
    let mut rows = Vec::new();
    for difference in differences {
        rows.extend(rows_of(difference).filter(|row| !hide_empty || row.tells()));
    }
    let columns = columns(&rows, several);
    let columns = shown(&session.output, &columns);
    let mut document = session.output.document(at)?;
    document.rows("differences", &columns, &rows)?;
    Ok(document.end()?)
}

/// A mapping, or all together, and what changed of it.
struct Row<'a> {
    pid: ProcessId,
    /// What it was and is; `None`: all together.
    mapping: Option<MappingDifference<'a>>,
    totals: DifferenceTotals,
}

fn rows_of<'d>(difference: &'d WorkingSetDifference<'_>) -> impl Iterator<Item = Row<'d>> {
    let pid = difference.after().process();
    let mappings = difference.totals_by_mapping().map(move |mapping| Row {
        pid,
        totals: mapping.totals,
        mapping: Some(mapping),
    });
    mappings.chain([Row {
        pid,
        mapping: None,
        totals: difference.totals(),
    }])
}

impl<'a> Row<'a> {
    fn tells(&self) -> bool {
        self.mapping.is_none() || !self.totals.is_empty()
    }

    /// The mapping as it is, or was.
    fn place(&self) -> Option<&'a Mapping> {
        self.mapping
            .as_ref()
            .and_then(|mapping| mapping.after.or(mapping.before))
    }

    fn of_mapping<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        self.place().map_or(Value::Unknown, value)
    }

    /// What became of the mapping.
    fn fate(&self) -> Value<'static> {
        let Some(mapping) = &self.mapping else {
            return Value::Unknown;
        };
        Value::Word(match (mapping.before, mapping.after) {
            (None, _) => "mapped",
            (_, None) => "unmapped",
            (Some(before), Some(after)) if after.size() > before.size() => "grown",
            (Some(before), Some(after)) if after.size() < before.size() => "shrunk",
            _ => "stayed",
        })
    }
}

type Figure<'a> = for<'r> fn(&'r Row<'a>) -> Value<'r>;

fn columns<'a>(rows: &[Row<'a>], several: bool) -> Vec<Column<Row<'a>>> {
    let mut columns = vec![
        column(("pid", "PID", "pid"), Shape::Number, |row| {
            Value::count(row.pid.get())
        })
        .in_table_if(several),
        column(("start", "START", "start_address"), Shape::Number, |row| {
            row.of_mapping(|mapping| Value::Address(mapping.start))
        }),
        column(("size", "SIZE", "size_bytes"), Shape::Number, |row| {
            row.of_mapping(|mapping| Value::Bytes(mapping.size()))
        }),
        column(
            ("before", "BEFORE", "resident_before_bytes"),
            Shape::Number,
            |row| Value::Bytes(row.totals.before.resident),
        ),
        column(
            ("resident", "RESIDENT", "resident_bytes"),
            Shape::Number,
            |row| Value::Bytes(row.totals.after.resident),
        ),
        column(
            ("growth", "GROWTH", "resident_growth_bytes"),
            Shape::Number,
            |row| Value::Growth(row.totals.growth()),
        ),
        column(("added", "ADDED", "added_bytes"), Shape::Number, |row| {
            Value::Bytes(row.totals.added.resident)
        }),
        column(
            ("removed", "REMOVED", "removed_bytes"),
            Shape::Number,
            |row| Value::Bytes(row.totals.removed.resident),
        ),
        column(
            ("changed", "CHANGED", "changed_bytes"),
            Shape::Number,
            |row| Value::Bytes(row.totals.changed),
        ),
    ];
    let in_machine_formats: [(&'static str, Figure<'a>); 6] = [
        ("added_private_bytes", |row| {
            Value::Bytes(row.totals.added.private)
        }),
        ("added_file_bytes", |row| {
            Value::Bytes(row.totals.added.file)
        }),
        ("removed_private_bytes", |row| {
            Value::Bytes(row.totals.removed.private)
        }),
        ("removed_file_bytes", |row| {
            Value::Bytes(row.totals.removed.file)
        }),
        ("added_swapped_bytes", |row| {
            Value::Bytes(row.totals.added.swapped)
        }),
        ("removed_swapped_bytes", |row| {
            Value::Bytes(row.totals.removed.swapped)
        }),
    ];
    columns.extend(in_machine_formats.into_iter().map(|(field, value)| {
        column((field, field, field), Shape::Number, value).in_table_if(false)
    }));
    let mut transitions = transition_columns();
    keep_telling(&mut transitions, rows);
    columns.extend(transitions);
    columns.extend([
        column(("fate", "MAPPING", "mapping"), Shape::Word, Row::fate),
        column(("permissions", "PERM", "permissions"), Shape::Word, |row| {
            row.of_mapping(maps::permissions)
        }),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            row.place().map_or(Value::Word("total"), maps::kind)
        }),
        column(("name", "NAME", "name"), Shape::Path, |row| {
            row.place().map_or(Value::Word(""), maps::name)
        }),
    ]);
    columns
}

/// What changed of pages that stayed: each in a table if there is any.
fn transition_columns<'a>() -> Vec<Column<Row<'a>>> {
    let figures: [(&'static str, &'static str, Figure<'a>); 18] = [
        ("TO PRIVATE", "became_private_bytes", |row| {
            Value::Bytes(row.totals.transitions.became_private)
        }),
        ("TO FILE", "became_file_bytes", |row| {
            Value::Bytes(row.totals.transitions.became_file)
        }),
        ("TO ZERO", "became_zero_bytes", |row| {
            Value::Bytes(row.totals.transitions.became_zero)
        }),
        ("SWAPPED OUT", "swapped_out_bytes", |row| {
            Value::Bytes(row.totals.transitions.swapped_out)
        }),
        ("SWAPPED IN", "swapped_in_bytes", |row| {
            Value::Bytes(row.totals.transitions.swapped_in)
        }),
        ("TO HUGE", "became_huge_bytes", |row| {
            Value::Bytes(row.totals.transitions.became_huge)
        }),
        ("SPLIT", "split_bytes", |row| {
            Value::Bytes(row.totals.transitions.split)
        }),
        ("LOCKED", "locked_bytes", |row| {
            Value::Bytes(row.totals.transitions.locked)
        }),
        ("UNLOCKED", "unlocked_bytes", |row| {
            Value::Bytes(row.totals.transitions.unlocked)
        }),
        ("SOFT-DIRTY", "soft_dirty_bytes", |row| {
            Value::Bytes(row.totals.transitions.soft_dirty)
        }),
        ("CLEANED", "cleaned_bytes", |row| {
            Value::Bytes(row.totals.transitions.cleaned)
        }),
        ("WRITE-PROTECTED", "write_protected_bytes", |row| {
            Value::Bytes(row.totals.transitions.write_protected)
        }),
        ("WRITE-ALLOWED", "write_allowed_bytes", |row| {
            Value::Bytes(row.totals.transitions.write_allowed)
        }),
        ("PROTECTION", "protection_bytes", |row| {
            Value::Bytes(row.totals.transitions.protection)
        }),
        ("NODE", "node_bytes", |row| {
            Value::Bytes(row.totals.transitions.node)
        }),
        ("BAD", "bad_bytes", |row| {
            Value::Bytes(row.totals.transitions.bad)
        }),
        ("SHARES", "shares_bytes", |row| {
            Value::Bytes(row.totals.transitions.shares)
        }),
        ("ONLY SHARES", "only_shares_bytes", |row| {
            Value::Bytes(row.totals.only_shares_changed)
        }),
    ];
    figures
        .into_iter()
        .map(|(title, field, value)| column((field, title, field), Shape::Number, value))
        .map(|column| {
            let shown = column.field != "shares_bytes";
            column.in_table_if(shown)
        })
        .collect()
}

fn column<'a>(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: Figure<'a>,
) -> Column<Row<'a>> {
    Column::new(names, shape, "", value)
}

/// Pages that came, went or changed.
struct PagesRow<'a> {
    pid: ProcessId,
    page_size: u64,
    pages: PageDifference<'a>,
}

fn pages_of<'a>(difference: &WorkingSetDifference<'a>) -> Vec<PagesRow<'a>> {
    let (pid, page_size) = (difference.after().process(), difference.after().page_size());
    let row = |pages| PagesRow {
        pid,
        page_size,
        pages,
    };
    difference.pages().map(row).collect()
}

impl<'a> PagesRow<'a> {
    /// As they are, or were.
    fn run(&self) -> Option<&PageRun<'a>> {
        self.pages.after.as_ref().or(self.pages.before.as_ref())
    }
}

type PagesValue<'a> = for<'r> fn(&'r PagesRow<'a>) -> Value<'r>;

fn pages_columns<'a>(several: bool) -> [Column<PagesRow<'a>>; 16] {
    fn of<'r>(
        run: &'r Option<PageRun<'_>>,
        value: fn(&PageRun<'_>) -> Value<'static>,
    ) -> Value<'r> {
        run.as_ref().map_or(Value::Unknown, value)
    }
    fn column<'a>(
        names: (&'static str, &'static str, &'static str),
        shape: Shape,
        value: PagesValue<'a>,
    ) -> Column<PagesRow<'a>> {
        Column::new(names, shape, "", value)
    }
    [
        column(("pid", "PID", "pid"), Shape::Number, |row| {
            Value::count(row.pid.get())
        })
        .in_table_if(several),
        column(("start", "START", "start_address"), Shape::Number, |row| {
            Value::Address(row.pages.start)
        }),
        column(("end", "END", "end_address"), Shape::Number, |row| {
            Value::Address(row.pages.end)
        }),
        column(("pages", "PAGES", "pages"), Shape::Number, |row| {
            Value::Count(row.pages.size() / row.page_size)
        }),
        column(("size", "SIZE", "size_bytes"), Shape::Number, |row| {
            Value::Bytes(row.pages.size())
        }),
        column(
            ("difference", "DIFFERENCE", "difference"),
            Shape::Word,
            |row| {
                Value::Word(match row.pages.kind() {
                    DifferenceKind::Added => "added",
                    DifferenceKind::Removed => "removed",
                    DifferenceKind::Changed => "changed",
                    DifferenceKind::SharesChanged => "shares",
                })
            },
        ),
        column(("what", "WHAT", "changes"), Shape::Word, |row| {
            words::transitions(row.pages.transitions)
        }),
        column(
            ("before", "BEFORE", "attributes_before"),
            Shape::Word,
            |row| of(&row.pages.before, |run| words::attributes(run.attributes)),
        ),
        column(("after", "AFTER", "attributes"), Shape::Word, |row| {
            of(&row.pages.after, |run| words::attributes(run.attributes))
        }),
        column(
            ("shares-before", "MAPPED BEFORE", "share_count_before"),
            Shape::Number,
            |row| of(&row.pages.before, words::share_count),
        )
        .in_table_if(false),
        column(("shares", "MAPPED", "share_count"), Shape::Number, |row| {
            of(&row.pages.after, words::share_count)
        })
        .in_table_if(false),
        column(("mapped", "MAPPED", ""), Shape::Word, |row| {
            of(&row.pages.after, words::shares)
        }),
        column(
            ("protection", "PROTECTION", "protection"),
            Shape::Word,
            |row| of(&row.pages.after, |run| words::protection(run.protection())),
        )
        .in_table_if(false),
        column(("permissions", "PERM", "permissions"), Shape::Word, |row| {
            row.run()
                .map_or(Value::Unknown, |run| maps::permissions(run.mapping))
        }),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            row.run()
                .map_or(Value::Unknown, |run| maps::kind(run.mapping))
        }),
        column(("name", "NAME", "name"), Shape::Path, |row| {
            row.run()
                .map_or(Value::Unknown, |run| maps::name(run.mapping))
        }),
    ]
}
