//! What a column says of a row, before any format: a table, JSON and CSV each show it in their
//! way.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// One figure or name.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// There is none, or nobody knows it.
    Unknown,
    /// It exists, but may not be read.
    Refused,
    Count(u64),
    Signed(i64),
    /// By how much a size changed; with its sign in a table.
    Growth(i64),
    /// A size; shown as `12.3M` in a table, exact elsewhere.
    Bytes(u64),
    /// Hexadecimal everywhere: above 2⁵³ many JSON readers would round it.
    Address(u64),
    /// A place in a file: hexadecimal in a table, a number elsewhere.
    Offset(u64),
    /// A span of time.
    Seconds(Duration),
    /// A moment, as the time since boot; local time in a table.
    Moment(Duration),
    /// A rate or a share.
    Ratio(f64),
    Flag(bool),
    /// A word of this program's own.
    Word(&'static str),
    /// Several of them.
    Words(Vec<&'static str>),
    /// A letter of the kernel's.
    Letter(char),
    /// A name or path from outside: any bytes at all.
    Text(Cow<'a, [u8]>),
    /// Several of them.
    Names(Vec<&'a [u8]>),
    /// Sizes, each with what it is of; machine formats have a field for each.
    Sizes(Vec<(&'static str, u64)>),
    /// Shares of a whole, drawn in a table; machine formats have the figures themselves.
    Bar(Vec<(Part, f64)>),
    /// A process's name. A table brackets that of a kernel thread, and draws the branch that
    /// leads to it in a tree.
    Process {
        name: &'a [u8],
        kernel: bool,
        branch: &'a str,
    },
}

/// What a part of a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Private memory, or memory in use.
    Private,
    /// Shared memory.
    Shared,
    /// Contents of files.
    Files,
    /// Nothing.
    Free,
}

/// A span of time as a number of seconds. One rounding, so that 2.53 stays 2.53.
pub fn seconds(span: Duration) -> f64 {
    span.as_nanos() as f64 / 1e9
}

impl<'a> Value<'a> {
    pub fn text(text: &'a OsStr) -> Self {
        Value::Text(Cow::Borrowed(text.as_bytes()))
    }

    pub fn path(path: &'a Path) -> Self {
        Value::text(path.as_os_str())
    }

    pub fn count(count: impl Into<u64>) -> Self {
        Value::Count(count.into())
    }

    /// Orders values of one column; those without a value come first.
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
            (Value::Seconds(a), Value::Seconds(b)) | (Value::Moment(a), Value::Moment(b)) => {
                a.cmp(b)
            }
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

    /// Whether there is nothing to show.
    pub fn is_missing(&self) -> bool {
        matches!(self, Value::Unknown | Value::Refused)
    }

    fn rank(&self) -> u8 {
        !self.is_missing() as u8
    }
}
