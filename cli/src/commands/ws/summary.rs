//! Working sets by mapping or by module.

use anyhow::Result;
use psapi::{Mapping, PageTotals, ProcessId, WorkingSet};

use super::modules::ModuleRange;
use super::source::Sample;
use super::totals::{self, HasTotals};
use crate::columns::mapping;
use crate::output::{Column, Format, Part, Value, columns, hide_empty};
use crate::session::Session;
use crate::sort::{self, SortKey};

/// Page totals of a part of an address space.
struct Row<'a> {
    pid: ProcessId,
    scope: Scope<'a>,
    totals: PageTotals,
    /// The resident size that fills a bar.
    full_bar: u64,
}

/// A part of the address space of a process.
enum Scope<'a> {
    Mapping(&'a Mapping),
    Module(&'a ModuleRange),
    /// Everything outside modules.
    OutsideModules,
    /// The whole address space.
    Total,
}

impl HasTotals for Row<'_> {
    fn totals(&self) -> &PageTotals {
        &self.totals
    }
}

/// Shows the totals by mapping or by module. `all` includes rows without pages in tables.
pub fn show(
    samples: &[Sample],
    by_module: bool,
    all: bool,
    sort: &[SortKey],
    session: &mut Session,
) -> Result<()> {
    let hide_empty = session.output.format() == Format::Table && !all;
    let all = columns(&[], true);
    let order = sort::columns(sort, &all);
    let mut rows = Vec::new();
    for sample in samples {
        let mut parts = if by_module {
            rows_by_module(sample)
        } else {
            rows_by_mapping(&sample.set)
        };
        parts.retain(|row| !hide_empty || !row.totals.is_empty());
        let full_bar = parts.iter().map(|row| row.totals.resident).max();
        for row in &mut parts {
            row.full_bar = full_bar.unwrap_or(0);
        }
        sort::sort(&order, &mut parts);
        rows.append(&mut parts);
        rows.push(Row::new(&sample.set, Scope::Total, sample.set.totals()));
    }
    let mut columns = columns(&rows, samples.len() > 1);
    sort::keep(sort, &mut columns);
    let columns = session.output.visible(&columns);
    let mut document = session.output.document(None)?;
    document.rows("working_sets", &columns, &rows)?;
    Ok(document.end()?)
}

fn rows_by_mapping(set: &WorkingSet) -> Vec<Row<'_>> {
    set.totals_by_mapping()
        .map(|(mapping, totals)| Row::new(set, Scope::Mapping(mapping), totals))
        .collect()
}

fn rows_by_module(sample: &Sample) -> Vec<Row<'_>> {
    let Sample { set, modules } = sample;
    let ranges: Vec<_> = modules.iter().map(|module| module.range.clone()).collect();
    let (totals, rest) = set.totals_by_range(&ranges);
    let row = |(module, totals)| Row::new(set, Scope::Module(module), totals);
    let rest = Row::new(set, Scope::OutsideModules, rest);
    modules.iter().zip(totals).map(row).chain([rest]).collect()
}

impl<'a> Row<'a> {
    fn new(set: &WorkingSet, scope: Scope<'a>, totals: PageTotals) -> Self {
        Row {
            pid: set.process(),
            scope,
            totals,
            full_bar: 0,
        }
    }
}

/// Returns the keys to sort by.
pub fn sort_keys() -> Vec<&'static str> {
    sort::keys(&columns(&[], true))
}

fn location_columns<'a>() -> Vec<Column<Row<'a>>> {
    columns! { row: Row<'a>;
        "start" "START" "start_address" Number: row.start(), priority 8;
        "size"  "SIZE"  "size_bytes"    Number: row.size(), priority 6;
    }
}

fn columns<'a>(rows: &[Row<'a>], several: bool) -> Vec<Column<Row<'a>>> {
    let any_mapping = rows
        .iter()
        .any(|row| matches!(row.scope, Scope::Mapping(_)));
    let mut columns = columns! { row: Row<'a>;
        "pid" "PID" "pid" Number: Value::count(row.pid.get()), priority 8, if several;
    };
    columns.extend(location_columns());
    columns.extend(totals::main_columns());
    let mut further = totals::further_columns();
    hide_empty(&mut further, rows);
    // Until clear_refs is written, every page is soft-dirty. So the column is useful only if some
    // pages are not.
    let is_partly_dirty = |row: &Row<'_>| {
        let dirty = row.totals.soft_dirty;
        dirty.is_some_and(|dirty| dirty > 0 && dirty != row.totals.resident)
    };
    if let Some(dirty) = further.iter_mut().find(|column| column.key == "dirty") {
        dirty.in_table &= rows.iter().any(is_partly_dirty);
    }
    columns.extend(further);
    let mut shares = totals::share_columns();
    hide_empty(&mut shares, rows);
    columns.extend(shares);
    columns.extend(columns! { row: Row<'a>;
        "" "█ private ░ files, shared" ""  Word: row.bar(), priority 0;
        "permissions" "PERM" "permissions" Word: row.permissions(), priority 4, if any_mapping;
        "kind"        "KIND" ""            Word: row.kind_of_memory();
        "kind"        "KIND" "kind"        Word: row.kind(), if false;
        "name"        "NAME" ""            Path: row.title(), priority 9;
        "name"        "NAME" "name"        Path: row.name(), if false;
    });
    columns
}

impl Row<'_> {
    fn start(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(mapping) => Value::Address(mapping.start),
            Scope::Module(module) => Value::Address(module.range.start),
            Scope::OutsideModules | Scope::Total => Value::Unknown,
        }
    }

    fn size(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(mapping) => Value::Bytes(mapping.size()),
            Scope::Module(module) => Value::Bytes(module.size()),
            Scope::OutsideModules | Scope::Total => Value::Unknown,
        }
    }

    fn bar(&self) -> Value<'_> {
        if let Scope::Total = self.scope {
            return Value::Word("");
        }
        let share = |bytes: u64| bytes as f64 / self.full_bar.max(1) as f64;
        Value::Bar(vec![
            (Part::Private, share(self.totals.private)),
            (Part::Files, share(self.totals.file)),
        ])
    }

    fn permissions(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(mapping) => mapping::permissions(mapping),
            _ => Value::Unknown,
        }
    }

    fn kind(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(mapping) => mapping::kind(mapping),
            Scope::Module(_) => Value::Word("module"),
            Scope::OutsideModules => Value::Word("no module"),
            Scope::Total => Value::Word("total"),
        }
    }

    /// Returns the kind of memory or module; `Unknown` for a sum.
    fn kind_of_memory(&self) -> Value<'_> {
        match self.scope {
            Scope::OutsideModules | Scope::Total => Value::Unknown,
            _ => self.kind(),
        }
    }

    /// Returns the name, or what the row sums up.
    fn title(&self) -> Value<'_> {
        match self.scope {
            Scope::OutsideModules | Scope::Total => self.kind(),
            _ => self.name(),
        }
    }

    fn name(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(mapping) => mapping::name(mapping),
            Scope::Module(module) => Value::path(&module.path),
            Scope::OutsideModules | Scope::Total => Value::Word(""),
        }
    }
}
