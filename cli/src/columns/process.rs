//! A process as a row, and its columns. A column belongs to a tier of [`Fields`], so that only the
//! files that the chosen columns need are read.

use std::ffi::OsStr;

use psapi::{ExactMemory, Fields, MemoryCounters, ProcessId, ProcessStatus};

use super::rates::Rates;
use crate::output::{Column, Value};

/// A process as a row.
#[derive(Debug)]
pub struct ProcessRow<'a> {
    pub status: &'a ProcessStatus,
    /// The name of the effective user.
    pub user: Option<&'a OsStr>,
    /// Rates since the previous sample.
    pub rates: Option<Rates>,
    /// The branch that leads to the process in a tree.
    pub branch: String,
    /// The depth of the process in a tree.
    pub depth: Option<u64>,
    /// The working set that fills a bar.
    pub full_bar: u64,
}

/// A column of a process.
#[derive(Debug)]
pub struct ProcessColumn<'a> {
    pub column: Column<ProcessRow<'a>>,
    /// The tier that must be read for the column.
    pub fields: Fields,
    /// Whether the column compares two samples.
    pub compares: bool,
    /// Whether the values of all processes can be added up.
    pub adds_up: bool,
}

impl<'a> AsRef<Column<ProcessRow<'a>>> for ProcessColumn<'a> {
    fn as_ref(&self) -> &Column<ProcessRow<'a>> {
        &self.column
    }
}

/// Assigns columns to a tier.
pub fn tier(fields: Fields, columns: Vec<Column<ProcessRow<'_>>>) -> Vec<ProcessColumn<'_>> {
    let assign = |column| ProcessColumn {
        column,
        fields,
        compares: false,
        adds_up: false,
    };
    columns.into_iter().map(assign).collect()
}

/// Like [`tier`], for columns that compare two samples.
pub fn comparing(fields: Fields, columns: Vec<Column<ProcessRow<'_>>>) -> Vec<ProcessColumn<'_>> {
    let mut columns = tier(fields, columns);
    for column in &mut columns {
        column.compares = true;
    }
    columns
}

impl<'a> ProcessRow<'a> {
    pub fn new(status: &'a ProcessStatus, user: Option<&'a OsStr>) -> Self {
        ProcessRow {
            status,
            user,
            rates: None,
            branch: String::new(),
            depth: None,
            full_bar: 0,
        }
    }

    /// Returns a value from a tier. If the status lacks it, returns `Refused` if the tier could not
    /// be read, and `Unknown` otherwise.
    pub fn tier<'r, T>(
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

    /// Like [`tier`](Self::tier), for the tier `STAT`.
    pub fn stat<'r, T>(&'r self, part: Option<T>, value: impl FnOnce(T) -> Value<'r>) -> Value<'r> {
        // If `stat` could not be read, no other file was read either.
        let tier = if part.is_none() && self.status.name.is_none() {
            self.status.unreadable
        } else {
            Fields::STAT
        };
        self.tier(tier, part, value)
    }

    /// Like [`stat`](Self::stat), for an id.
    pub fn id(&self, id: Option<ProcessId>) -> Value<'_> {
        self.stat(id, |id| Value::count(id.get()))
    }

    /// Like [`tier`](Self::tier), for the tier `MEMORY`.
    pub fn memory<'r>(&'r self, value: impl FnOnce(&'r MemoryCounters) -> Value<'r>) -> Value<'r> {
        self.tier(Fields::MEMORY, self.status.memory.as_ref(), value)
    }

    /// Like [`tier`](Self::tier), for the tier `EXACT`.
    pub fn exact<'r>(&'r self, value: impl FnOnce(&'r ExactMemory) -> Value<'r>) -> Value<'r> {
        self.tier(Fields::EXACT, self.status.exact.as_ref(), value)
    }
}
