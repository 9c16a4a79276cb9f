use std::ffi::OsString;
use std::time::Duration;

use crate::linux::boot_id::BootId;
use crate::process::ProcessId;

/// Which process a working set is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) process: ProcessId,
    /// When it was started, as the time since boot.
    pub(super) start: Duration,
    /// Which boot that is; `None` where the kernel does not tell.
    pub(super) boot: Option<BootId>,
    /// What it was called, which may change.
    pub(super) name: OsString,
}

impl Identity {
    /// Whether two are of one process, as far as they tell.
    pub(super) fn is_of_same_process(&self, other: &Identity) -> bool {
        let other_boot = self.boot.zip(other.boot).is_some_and(|(a, b)| a != b);
        (self.process, self.start) == (other.process, other.start) && !other_boot
    }
}
