//! The value of one cell, independent of the format: tables, JSON and CSV each write it in their
//! own way.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use psapi::StartTime;

/// One figure or name.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// The value does not exist or is unknown.
    Unknown,
    /// The value exists, but reading it was denied.
    Refused,
    Count(u64),
    Signed(i64),
    /// A change of a size; signed in a table.
    Growth(i64),
    /// A size; `12.3M` in a table, exact elsewhere.
    Bytes(u64),
    /// Hexadecimal in every format: many JSON readers round numbers above 2⁵³.
    Address(u64),
    /// An offset in a file: hexadecimal in a table, decimal elsewhere.
    Offset(u64),
    /// A span of time.
    Seconds(Duration),
    /// A time, as the time since boot; local time in a table.
    Moment(StartTime),
    /// A rate or a share.
    Ratio(f64),
    Flag(bool),
    /// A word from a set that this program defines.
    Word(&'static str),
    /// Several such words.
    Words(Vec<&'static str>),
    /// A letter that the kernel defines.
    Letter(char),
    /// A name or path from the system, which can contain any bytes.
    Text(Cow<'a, [u8]>),
    /// Several such names.
    Names(Vec<&'a [u8]>),
    /// Labeled sizes, for tables only: machine formats have a field for each.
    Sizes(Vec<(&'static str, u64)>),
    /// Shares of a whole, drawn as a bar, for tables only: machine formats have the figures.
    Bar(Vec<(Part, f64)>),
    /// The name of a process. A table encloses the name of a kernel thread in brackets, and draws
    /// the branch that leads to the process in a tree.
    Process {
        name: &'a [u8],
        kernel: bool,
        branch: &'a str,
    },
}

/// The kind of memory that a segment of a bar represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Private memory, or memory in use.
    Private,
    /// Shared memory.
    Shared,
    /// Pages backed by files.
    Files,
    /// Unused memory.
    Free,
}

/// Returns a span of time in seconds. Converts with a single rounding, so that 2.53 stays 2.53.
pub fn seconds(span: Duration) -> f64 {
    span.as_nanos() as f64 / 1e9
}

/// Returns a start time in seconds since boot, like [`seconds`].
pub fn start_seconds(start: StartTime) -> f64 {
    start.as_nanos() as f64 / 1e9
}

impl<'a> Value<'a> {
    pub fn text(text: &'a OsStr) -> Self {
        Value::Text(Cow::Borrowed(text.as_encoded_bytes()))
    }

    pub fn path(path: &'a Path) -> Self {
        Value::text(path.as_os_str())
    }

    pub fn count(count: impl Into<u64>) -> Self {
        Value::Count(count.into())
    }

    /// Returns a size, or `Unknown` if there is none: not every kernel reports every size.
    pub fn bytes(size: Option<u64>) -> Self {
        size.map_or(Value::Unknown, Value::Bytes)
    }

    /// Compares two values of one column; missing values come first.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Count(a) | Value::Bytes(a) | Value::Address(a) | Value::Offset(a), b) => {
                match b {
                    Value::Count(b) | Value::Bytes(b) | Value::Address(b) | Value::Offset(b) => {
                        a.cmp(b)
                    }
                    _ => self.rank().cmp(&other.rank()),
                }
            }
            (Value::Signed(a), Value::Signed(b)) | (Value::Growth(a), Value::Growth(b)) => a.cmp(b),
            (Value::Seconds(a), Value::Seconds(b)) => a.cmp(b),
            (Value::Moment(a), Value::Moment(b)) => a.cmp(b),
            (Value::Ratio(a), Value::Ratio(b)) => a.total_cmp(b),
            (Value::Flag(a), Value::Flag(b)) => a.cmp(b),
            (Value::Word(a), Value::Word(b)) => a.cmp(b),
            (Value::Words(a), Value::Words(b)) => a.cmp(b),
            (Value::Letter(a), Value::Letter(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Names(a), Value::Names(b)) => a.cmp(b),
            (Value::Process { name: a, .. }, Value::Process { name: b, .. }) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Returns true if the value is unknown or was refused.
    pub fn is_missing(&self) -> bool {
        matches!(self, Value::Unknown | Value::Refused)
    }

    fn rank(&self) -> u8 {
        !self.is_missing() as u8
    }
}
