//! Changes between two working sets, by mapping or by module.

use std::borrow::Cow;
use std::ffi::OsStr;

use anyhow::Result;
use psapi::{
    DifferenceTotals, Mapping, MappingDifference, ProcessId, TransitionTotals, WorkingSet,
};

use super::args::Args;
use super::change::Change;
use super::modules::ModuleRange;
use crate::columns::mapping;
use crate::output::{Column, Document, Value, columns, hide_empty};
use crate::sort::{self, SortKey};
use crate::sys;

/// The changes of a part of an address space.
struct Row<'a> {
    pid: ProcessId,
    scope: Scope<'a>,
    totals: DifferenceTotals,
}

/// A part of the address space of a process.
enum Scope<'a> {
    /// The mapping before and after.
    Mapping([Option<&'a Mapping>; 2]),
    Module {
        module: &'a ModuleRange,
        before: bool,
        after: bool,
    },
    /// Everything outside modules.
    OutsideModules,
    /// The mappings or modules in which only share counts changed.
    OnlyShares(usize),
    /// The whole address space.
    Total,
}

/// Returns the keys to sort by.
pub fn sort_keys() -> Vec<&'static str> {
    sort::keys(&columns(&[], true))
}

pub fn show(
    args: &Args,
    changes: &[Change<'_>],
    sort: &[SortKey],
    document: &mut Document<'_>,
) -> Result<()> {
    let all = columns(&[], true);
    let order = sort::columns(sort, &all);
    let is_brief = document.is_table() && !args.all;
    let mut rows = Vec::new();
    for change in changes {
        let mut parts = if args.modules {
            rows_by_module(change)
        } else {
            rows_by_mapping(change)
        };
        sort::sort(&order, &mut parts);
        if is_brief {
            parts.retain(|row| !row.totals.is_empty());
            fold_only_shares(&mut parts);
        }
        rows.append(&mut parts);
        rows.push(Row::new(change, Scope::Total, change.difference.totals()));
    }
    let mut columns = columns(&rows, changes.len() > 1);
    sort::keep(sort, &mut columns);
    let columns = document.visible(&columns);
    Ok(document.rows("differences", &columns, &rows)?)
}

fn rows_by_mapping<'a>(change: &'a Change<'_>) -> Vec<Row<'a>> {
    let mappings = change.difference.totals_by_mapping();
    let row = |mapping: MappingDifference<'a>| {
        let scope = Scope::Mapping([mapping.before, mapping.after]);
        Row::new(change, scope, mapping.totals)
    };
    mappings.map(row).collect()
}

fn rows_by_module<'a>(change: &'a Change<'_>) -> Vec<Row<'a>> {
    let Change {
        difference,
        modules,
    } = change;
    let ranges: Vec<_> = modules.iter().map(|module| module.range.clone()).collect();
    let (totals, rest) = difference.totals_by_range(&ranges);
    let row = |(module, totals)| {
        let [before, after] = [difference.before(), difference.after()];
        let scope = Scope::Module {
            module,
            before: has_module(before, module),
            after: has_module(after, module),
        };
        Row::new(change, scope, totals)
    };
    let rest = Row::new(change, Scope::OutsideModules, rest);
    modules.iter().zip(totals).map(row).chain([rest]).collect()
}

/// Returns true if a working set has a mapping of a module at its first address.
fn has_module(set: &WorkingSet, module: &ModuleRange) -> bool {
    let at_start = |mapping: &&Mapping| mapping.start == module.range.start;
    let mapping = set.mappings().iter().find(at_start);
    // On Windows, the loader and the kernel can report a path in different cases.
    let units = |path: &OsStr| sys::name_units(path.as_encoded_bytes()).into_owned();
    mapping.is_some_and(|mapping| {
        units(mapping.backing.label().as_ref()) == units(module.path.as_os_str())
    })
}

/// Replaces rows in which only share counts changed by a single one.
fn fold_only_shares(rows: &mut Vec<Row<'_>>) {
    let is_only_shares = |row: &Row<'_>| {
        let totals = &row.totals;
        totals.added.is_empty() && totals.removed.is_empty() && totals.changed == 0
    };
    let count = rows.iter().filter(|row| is_only_shares(row)).count();
    let mut totals = DifferenceTotals::default();
    let mut pid = None;
    for row in rows.iter().filter(|row| is_only_shares(row)) {
        totals.before.resident += row.totals.before.resident;
        totals.after.resident += row.totals.after.resident;
        totals.only_shares_changed = totals
            .only_shares_changed
            .zip(row.totals.only_shares_changed)
            .map(|(sum, bytes)| sum + bytes)
            .or(row.totals.only_shares_changed);
        pid = Some(row.pid);
    }
    rows.retain(|row| !is_only_shares(row));
    rows.extend(pid.map(|pid| Row {
        pid,
        scope: Scope::OnlyShares(count),
        totals,
    }));
}

impl<'a> Row<'a> {
    fn new(change: &Change<'_>, scope: Scope<'a>, totals: DifferenceTotals) -> Self {
        Row {
            pid: change.difference.after().process(),
            scope,
            totals,
        }
    }

    /// Returns the mapping as it is now, or as it was if it was unmapped.
    fn mapping(&self) -> Option<&'a Mapping> {
        match &self.scope {
            Scope::Mapping([before, after]) => after.or(*before),
            _ => None,
        }
    }

    fn start(&self) -> Value<'_> {
        match &self.scope {
            Scope::Module { module, .. } => Value::Address(module.range.start),
            _ => self.of_mapping(|mapping| Value::Address(mapping.start)),
        }
    }

    fn size(&self) -> Value<'_> {
        match &self.scope {
            Scope::Module { module, .. } => Value::Bytes(module.size()),
            _ => self.of_mapping(|mapping| Value::Bytes(mapping.size())),
        }
    }

    fn permissions(&self) -> Value<'_> {
        self.of_mapping(mapping::permissions)
    }

    fn of_mapping<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        self.mapping().map_or(Value::Unknown, value)
    }

    fn changed(&self, size: fn(&TransitionTotals) -> Option<u64>) -> Value<'_> {
        if let Scope::OnlyShares(_) = self.scope {
            return Value::Bytes(0);
        }
        Value::bytes(size(&self.totals.transitions))
    }

    /// Returns how the mapping or module itself changed.
    fn fate(&self) -> Value<'static> {
        let sizes = match &self.scope {
            Scope::Mapping([before, after]) => {
                (before.map(Mapping::size), after.map(Mapping::size))
            }
            Scope::Module {
                module,
                before,
                after,
            } => (
                before.then_some(module.size()),
                after.then_some(module.size()),
            ),
            _ => return Value::Unknown,
        };
        Value::Word(match sizes {
            (None, _) => "mapped",
            (_, None) => "unmapped",
            (Some(before), Some(after)) if after > before => "grown",
            (Some(before), Some(after)) if after < before => "shrunk",
            _ => "stayed",
        })
    }

    fn kind(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(_) => self.of_mapping(mapping::kind),
            Scope::Module { .. } => Value::Word("module"),
            Scope::OutsideModules => Value::Word("no module"),
            Scope::OnlyShares(_) => Value::Word("only shares"),
            Scope::Total => Value::Word("total"),
        }
    }

    /// Returns the kind of memory or module; `Unknown` for a sum.
    fn kind_of_memory(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(_) | Scope::Module { .. } => self.kind(),
            _ => Value::Unknown,
        }
    }

    fn name(&self) -> Value<'_> {
        match &self.scope {
            Scope::Mapping(_) => self.of_mapping(mapping::name),
            Scope::Module { module, .. } => Value::path(&module.path),
            _ => Value::Word(""),
        }
    }

    /// Returns the name, or what the row sums up.
    fn title(&self) -> Value<'_> {
        match self.scope {
            Scope::Mapping(_) | Scope::Module { .. } => self.name(),
            Scope::OnlyShares(count) => {
                let text = format!("only shares: {count}");
                Value::Text(Cow::Owned(text.into_bytes()))
            }
            _ => self.kind(),
        }
    }
}

fn columns<'a>(rows: &[Row<'a>], several: bool) -> Vec<Column<Row<'a>>> {
    let is_mapping = |row: &Row<'_>| matches!(row.scope, Scope::Mapping(_));
    let by_mapping = rows.iter().any(is_mapping);
    let mut columns = columns! { row: Row<'a>;
        "pid"      "PID"      "pid"                   Number: Value::count(row.pid.get()), priority 8, if several;
        "start"    "START"    "start_address"         Number: row.start(), priority 8;
        "size"     "SIZE"     "size_bytes"            Number: row.size(), priority 4;
        "before"   "BEFORE"   "resident_before_bytes" Number: Value::Bytes(row.totals.before.resident);
        "resident" "RESIDENT" "resident_bytes"        Number: Value::Bytes(row.totals.after.resident), priority 7;
        "growth"   "GROWTH"   "resident_growth_bytes" Number: Value::Growth(row.totals.growth()), priority 8;
        "added"    "ADDED"    "added_bytes"           Number: Value::Bytes(row.totals.added.resident), priority 6;
        "removed"  "REMOVED"  "removed_bytes"         Number: Value::Bytes(row.totals.removed.resident), priority 6;
        "changed"  "CHANGED"  "changed_bytes"         Number: Value::Bytes(row.totals.changed), priority 6;
        "added_private_bytes"   Number: Value::Bytes(row.totals.added.private), if false;
        "added_file_bytes"      Number: Value::Bytes(row.totals.added.file), if false;
        "removed_private_bytes" Number: Value::Bytes(row.totals.removed.private), if false;
        "removed_file_bytes"    Number: Value::Bytes(row.totals.removed.file), if false;
        "added_swapped_bytes"   Number: Value::bytes(row.totals.added.swapped), if false;
        "removed_swapped_bytes" Number: Value::bytes(row.totals.removed.swapped), if false;
    };
    let mut transitions = transition_columns();
    hide_empty(&mut transitions, rows);
    columns.extend(transitions);
    columns.extend(columns! { row: Row<'a>;
        "fate"        "MAPPING" "mapping"     Word: row.fate();
        "permissions" "PERM"    "permissions" Word: row.permissions(), priority 4, if by_mapping;
        "kind"        "KIND"    ""            Word: row.kind_of_memory(), priority 4;
        "kind"        "KIND"    "kind"        Word: row.kind(), if false;
        "name"        "NAME"    ""            Path: row.title(), priority 9;
        "name"        "NAME"    "name"        Path: row.name(), if false;
    });
    columns
}

/// Returns the columns for changes of pages that were present before and after. A table omits those
/// that are 0 in every row.
fn transition_columns<'a>() -> Vec<Column<Row<'a>>> {
    columns! { row: Row<'a>;
        "to-private"      "TO PRIVATE"      "became_private_bytes"  Number: row.changed(|pages| pages.became_private);
        "to-file"         "TO FILE"         "became_file_bytes"     Number: row.changed(|pages| Some(pages.became_file));
        "to-zero"         "TO ZERO"         "became_zero_bytes"     Number: row.changed(|pages| pages.became_zero);
        "swapped-out"     "SWAPPED OUT"     "swapped_out_bytes"     Number: row.changed(|pages| Some(pages.swapped_out));
        "swapped-in"      "SWAPPED IN"      "swapped_in_bytes"      Number: row.changed(|pages| Some(pages.swapped_in));
        "to-huge"         "TO HUGE"         "became_huge_bytes"     Number: row.changed(|pages| pages.became_huge);
        "split"           "SPLIT"           "split_bytes"           Number: row.changed(|pages| pages.split);
        "locked"          "LOCKED"          "locked_bytes"          Number: row.changed(|pages| Some(pages.locked));
        "unlocked"        "UNLOCKED"        "unlocked_bytes"        Number: row.changed(|pages| Some(pages.unlocked));
        "dirty"           "SOFT-DIRTY"      "soft_dirty_bytes"      Number: row.changed(|pages| pages.soft_dirty);
        "cleaned"         "CLEANED"         "cleaned_bytes"         Number: row.changed(|pages| pages.cleaned);
        "write-protected" "WRITE-PROTECTED" "write_protected_bytes" Number: row.changed(|pages| pages.write_protected);
        "write-allowed"   "WRITE-ALLOWED"   "write_allowed_bytes"   Number: row.changed(|pages| pages.write_allowed);
        "protection"      "PROTECTION"      "protection_bytes"      Number: row.changed(|pages| Some(pages.protection));
        "node"            "NODE"            "node_bytes"            Number: row.changed(|pages| pages.node);
        "bad"             "BAD"             "bad_bytes"             Number: row.changed(|pages| pages.bad);
        "shares"          "SHARES"          "shares_bytes"          Number: row.changed(|pages| pages.shares), if false;
        "only-shares"     "ONLY SHARES"     "only_shares_bytes"     Number: Value::bytes(row.totals.only_shares_changed), priority 3;
    }
}
