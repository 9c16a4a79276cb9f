//! The id of a process.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// The number that identifies a process while the process exists.
///
/// The system reuses ids: a later process can have the same one. A [`Process`](crate::Process)
/// distinguishes the two; an id does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProcessId(u32);

impl ProcessId {
    /// Creates an id from a number. The process does not have to exist.
    pub const fn new(id: u32) -> Self {
        ProcessId(id)
    }

    /// Returns the number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl From<u32> for ProcessId {
    fn from(id: u32) -> Self {
        ProcessId(id)
    }
}

impl FromStr for ProcessId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(ProcessId)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
