//! The columns of a process: one set, from which `ps`, `memory` and the overview choose. Also
//! values of a mapping that several subcommands show.

mod activity;
mod exact;
mod identity;
pub mod mapping;
mod memory;
mod process;
mod rates;

use psapi::Fields;

use crate::output::Total;
use crate::sys::texts::{ABSENT_PROCESS_COLUMNS, ABSENT_TIERS};
pub use identity::{command_text, tier_names};
pub use memory::bar;
pub use process::{ProcessColumn, ProcessRow};
pub use rates::Rates;

/// Returns all columns, in the order of the help text and of machine formats.
pub fn all<'a>() -> Vec<ProcessColumn<'a>> {
    let mut columns = identity::columns();
    columns.extend(activity::columns());
    columns.extend(memory::columns());
    columns.extend(exact::columns());
    columns.extend(identity::closing_columns());
    columns.retain(|column| {
        !ABSENT_TIERS.intersects(column.fields)
            && !ABSENT_PROCESS_COLUMNS.contains(&column.column.key)
    });
    columns
}

/// Returns the columns with these keys, in the order of the keys.
pub fn by_keys<'c, 'a>(
    columns: &'c [ProcessColumn<'a>],
    keys: &[impl AsRef<str>],
) -> Vec<&'c ProcessColumn<'a>> {
    keys.iter()
        .filter_map(|key| by_key(columns, key.as_ref()))
        .collect()
}

/// Returns the column with this key or alias.
pub fn by_key<'c, 'a>(
    columns: &'c [ProcessColumn<'a>],
    key: &str,
) -> Option<&'c ProcessColumn<'a>> {
    columns.iter().find(|column| column.column.is_called(key))
}

/// Returns the totals of the columns whose values can be added up; `None` if there are none.
pub fn total<'a>(columns: &[&ProcessColumn<'a>], rows: &[ProcessRow<'a>]) -> Option<Total> {
    let adding_up = columns.iter().filter(|column| column.adds_up);
    Total::of(adding_up.map(|column| &column.column), rows)
}

/// Returns the tiers that must be read for some columns.
pub fn fields_of<'c, 'a: 'c>(columns: impl IntoIterator<Item = &'c ProcessColumn<'a>>) -> Fields {
    columns
        .into_iter()
        .fold(Fields::STAT, |fields, column| fields | column.fields)
}
