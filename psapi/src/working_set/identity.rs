//! The identity of the process that a working set was read from.

use std::ffi::OsString;

use crate::process_id::ProcessId;
use crate::start_time::StartTime;

/// Identifies a process even after it has ended, or on another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) process: ProcessId,
    pub(crate) start: StartTime,
    /// The id of the boot; `None` if the system does not report one.
    pub(crate) boot: Option<[u8; 16]>,
    /// The name of the process, which can change.
    pub(crate) name: OsString,
}

impl Identity {
    /// Returns true if both identities can belong to one process.
    pub(super) fn is_of_same_process(&self, other: &Identity) -> bool {
        let other_boot = self.boot.zip(other.boot).is_some_and(|(a, b)| a != b);
        (self.process, self.start) == (other.process, other.start) && !other_boot
    }
}
