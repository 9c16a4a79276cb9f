//! The columns that tell of a process: one set, which `ps`, `memory` and the overview choose
//! from.

mod exact;
mod identity;
mod memory;
mod progress;

use std::ffi::OsStr;

use psapi::{ExactMemory, Fields, MemoryCounters, ProcessStatus};

use crate::output::{Column, Shape, Value};
pub use memory::bar;
pub use progress::Progress;

/// A process as a row.
#[derive(Debug)]
pub struct ProcessRow<'a> {
    pub status: &'a ProcessStatus,
    pub user: Option<&'a OsStr>,
    /// What it did since the sample before.
    pub progress: Option<Progress>,
    /// The branch that leads to it in a tree.
    pub branch: String,
    /// How deep in a tree it is.
    pub depth: Option<u64>,
    /// The working set that fills a bar.
    pub full_bar: u64,
}

/// A column, and what must be read for it.
#[derive(Debug)]
pub struct ProcessColumn<'a> {
    pub column: Column<ProcessRow<'a>>,
    pub fields: Fields,
    /// What `ps` calls it, and the like.
    pub aliases: &'static [&'static str],
    /// Whether it compares two samples.
    pub compares: bool,
}

type Reader<'a> = for<'r> fn(&'r ProcessRow<'a>) -> Value<'r>;

impl<'a> ProcessColumn<'a> {
    fn new(
        fields: Fields,
        shape: Shape,
        names: (&'static str, &'static str, &'static str),
        about: &'static str,
        value: Reader<'a>,
    ) -> Self {
        ProcessColumn {
            column: Column::new(names, shape, about, value),
            fields,
            aliases: &[],
            compares: false,
        }
    }

    fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    fn comparing(mut self) -> Self {
        self.compares = true;
        self
    }

    /// Whether a person means this one.
    pub fn is_called(&self, key: &str) -> bool {
        self.column.key == key || self.aliases.contains(&key)
    }
}

/// All of them, in the order of the help text and of machine formats.
pub fn all<'a>() -> Vec<ProcessColumn<'a>> {
    let mut columns = identity::columns();
    columns.extend(progress::columns());
    columns.extend(memory::columns());
    columns.extend(exact::columns());
    columns.extend(identity::closing_columns());
    columns
}

/// Those with certain keys, in the keys' order.
pub fn by_keys<'c, 'a>(
    columns: &'c [ProcessColumn<'a>],
    keys: &[impl AsRef<str>],
) -> Vec<&'c ProcessColumn<'a>> {
    keys.iter()
        .filter_map(|key| columns.iter().find(|column| column.is_called(key.as_ref())))
        .collect()
}

impl<'a> AsRef<Column<ProcessRow<'a>>> for ProcessColumn<'a> {
    fn as_ref(&self) -> &Column<ProcessRow<'a>> {
        &self.column
    }
}

/// What must be read for some columns.
pub fn fields_of<'c, 'a: 'c>(columns: impl IntoIterator<Item = &'c ProcessColumn<'a>>) -> Fields {
    columns
        .into_iter()
        .fold(Fields::STAT, |fields, column| fields | column.fields)
}

impl<'a> ProcessRow<'a> {
    pub fn new(status: &'a ProcessStatus, user: Option<&'a OsStr>) -> Self {
        ProcessRow {
            status,
            user,
            progress: None,
            branch: String::new(),
            depth: None,
            full_bar: 0,
        }
    }

    /// A value of a tier, or why there is none.
    fn tier<'r, T>(
        &'r self,
        tier: Fields,
        part: Option<T>,
        value: impl FnOnce(T) -> Value<'r>,
    ) -> Value<'r> {
        match part {
            Some(part) => value(part),
            None if self.status.unreadable.intersects(tier) => Value::Refused,
            None => Value::Unknown,
        }
    }

    fn stat<'r, T>(&'r self, part: Option<T>, value: impl FnOnce(T) -> Value<'r>) -> Value<'r> {
        // Without `stat` nothing else was read, either.
        let tier = if part.is_none() && self.status.name.is_none() {
            self.status.unreadable
        } else {
            Fields::STAT
        };
        self.tier(tier, part, value)
    }

    fn memory<'r>(&'r self, value: impl FnOnce(&'r MemoryCounters) -> Value<'r>) -> Value<'r> {
        self.tier(Fields::MEMORY, self.status.memory.as_ref(), value)
    }

    fn exact<'r>(&'r self, value: impl FnOnce(&'r ExactMemory) -> Value<'r>) -> Value<'r> {
        self.tier(Fields::EXACT, self.status.exact.as_ref(), value)
    }
}

/// A size that not every kernel has.
pub fn bytes<'r>(size: Option<u64>) -> Value<'r> {
    size.map_or(Value::Unknown, Value::Bytes)
}
