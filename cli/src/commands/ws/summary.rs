//! Working sets by mapping or by module.

use anyhow::Result;
use psapi::{Mapping, Module, PageTotals, ProcessId, WorkingSet};

use super::source::Taken;
use super::totals::{self, HasTotals};
use super::{Args, shown};
use crate::commands::maps;
use crate::output::{Column, Format, Part, Shape, Value};
use crate::session::Session;
use crate::sort::{self, SortKey};

/// A part of a process's address space, or all of it, and how much of it is where.
struct Row<'a> {
    pid: ProcessId,
    part: Of<'a>,
    totals: PageTotals,
    /// What fills a bar.
    full_bar: u64,
}

enum Of<'a> {
    Mapping(&'a Mapping),
    Module(&'a Module),
    NoModule,
    All,
}

impl HasTotals for Row<'_> {
    fn totals(&self) -> &PageTotals {
        &self.totals
    }
}

/// From this width on, a line has room for a bar and still for a name.
const WIDE: usize = 132;
/// And from this one for what is mapped how often, too.
const WIDER: usize = 180;

pub fn show(args: &Args, taken: &[Taken], session: &mut Session) -> Result<()> {
    let hide_empty = session.output.format() == Format::Table && !args.all;
    let all = figures();
    let by = |key: &SortKey| Some((column_of(&key.key, &all)?, key.descending));
    let by: Vec<_> = args.sort.iter().filter_map(by).collect();
    let mut rows = Vec::new();
    for taken in taken {
        let mut parts = match args.modules {
            true => of_modules(&taken.set, &taken.modules),
            false => of_mappings(&taken.set),
        };
        parts.retain(|row| !hide_empty || !row.totals.is_empty());
        let full_bar = parts.iter().map(|row| row.totals.resident).max();
        for row in &mut parts {
            row.full_bar = full_bar.unwrap_or(0);
        }
        sort::sort(&by, &mut parts);
        rows.append(&mut parts);
        rows.push(Row::new(&taken.set, Of::All, taken.set.totals()));
    }
    let columns = columns(&rows, taken.len() > 1, session.output.width());
    let columns = shown(&session.output, &columns);
    let mut document = session.output.document(None)?;
    document.rows("working_sets", &columns, &rows)?;
    Ok(document.end()?)
}

fn of_mappings(set: &WorkingSet) -> Vec<Row<'_>> {
    set.totals_by_mapping()
        .map(|(mapping, totals)| Row::new(set, Of::Mapping(mapping), totals))
        .collect()
}

fn of_modules<'a>(set: &'a WorkingSet, modules: &'a [Module]) -> Vec<Row<'a>> {
    let rest = Row::new(set, Of::NoModule, set.totals_outside(modules));
    set.totals_by_module(modules)
        .map(|(module, totals)| Row::new(set, Of::Module(module), totals))
        .chain([rest])
        .collect()
}

impl<'a> Row<'a> {
    fn new(set: &WorkingSet, part: Of<'a>, totals: PageTotals) -> Self {
        Row {
            pid: set.process(),
            part,
            totals,
            full_bar: 0,
        }
    }

    fn of_mapping<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        match self.part {
            Of::Mapping(mapping) => value(mapping),
            _ => Value::Unknown,
        }
    }
}

pub fn sort_key(text: &str) -> Result<SortKey, String> {
    let all = figures();
    sort::parse(
        text,
        |key| column_of(key, &all).is_some(),
        || {
            let keys: Vec<_> = all.iter().map(|column| column.key).collect();
            format!("there are {}", keys.join(", "))
        },
    )
}

/// What can be sorted by.
fn figures<'a>() -> Vec<Column<Row<'a>>> {
    let mut figures = place_columns();
    figures.extend(totals::main_columns());
    figures.extend(totals::further_columns());
    figures
}

fn column_of<'c, 'a>(key: &str, all: &'c [Column<Row<'a>>]) -> Option<&'c Column<Row<'a>>> {
    all.iter().find(|column| column.key == key)
}

fn place_columns<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        column(
            ("start", "START", "start_address"),
            Shape::Number,
            |row| match row.part {
                Of::Mapping(mapping) => Value::Address(mapping.start),
                Of::Module(module) => Value::Address(module.base),
                Of::NoModule | Of::All => Value::Unknown,
            },
        ),
        column(
            ("size", "SIZE", "size_bytes"),
            Shape::Number,
            |row| match row.part {
                Of::Mapping(mapping) => Value::Bytes(mapping.size()),
                Of::Module(module) => Value::Bytes(module.size),
                Of::NoModule | Of::All => Value::Unknown,
            },
        ),
    ]
}

fn columns<'a>(rows: &[Row<'a>], several: bool, width: Option<usize>) -> Vec<Column<Row<'a>>> {
    let has_room = |needed| width.is_none_or(|width| width >= needed);
    let pid = |row: &Row<'_>| Value::count(row.pid.get());
    let mut columns = vec![column(("pid", "PID", "pid"), Shape::Number, pid).in_table_if(several)];
    columns.extend(place_columns());
    columns.extend(totals::main_columns());
    let mut further = totals::further_columns();
    totals::keep_telling(&mut further, rows);
    // Where all is soft-dirty, nobody asks for that.
    let says_more = |row: &Row<'_>| {
        let dirty = row.totals.soft_dirty;
        dirty.is_some_and(|dirty| dirty > 0 && dirty != row.totals.resident)
    };
    if let Some(dirty) = further.iter_mut().find(|column| column.key == "dirty") {
        dirty.in_table &= rows.iter().any(says_more);
    }
    columns.extend(further);
    let mut shares = totals::share_columns();
    totals::keep_telling(&mut shares, rows);
    shares[0].shape = Shape::Word;
    shares[0].in_table &= has_room(WIDER);
    columns.extend(shares);
    columns.extend([
        column(
            ("", "█ private ░ files, shared", ""),
            Shape::Word,
            |row| {
                let share = |bytes: u64| bytes as f64 / row.full_bar.max(1) as f64;
                match row.part {
                    Of::All => Value::Word(""),
                    _ => Value::Bar(vec![
                        (Part::Private, share(row.totals.private)),
                        (Part::Files, share(row.totals.file)),
                    ]),
                }
            },
        )
        .in_table_if(has_room(WIDE)),
        column(("permissions", "PERM", "permissions"), Shape::Word, |row| {
            row.of_mapping(maps::permissions)
        })
        .in_table_if(rows.iter().any(|row| matches!(row.part, Of::Mapping(_)))),
        column(("kind", "KIND", "kind"), Shape::Word, |row| {
            match row.part {
                Of::Mapping(mapping) => maps::kind(mapping),
                Of::Module(_) => Value::Word("module"),
                Of::NoModule => Value::Word("no module"),
                Of::All => Value::Word("total"),
            }
        }),
        column(("name", "NAME", "name"), Shape::Path, |row| {
            match row.part {
                Of::Mapping(mapping) => maps::name(mapping),
                Of::Module(module) => Value::path(&module.path),
                Of::NoModule | Of::All => Value::Word(""),
            }
        }),
    ]);
    columns
}

fn column<'a>(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    value: for<'r> fn(&'r Row<'a>) -> Value<'r>,
) -> Column<Row<'a>> {
    Column::new(names, shape, "", value)
}
