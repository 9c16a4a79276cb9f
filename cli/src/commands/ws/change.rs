//! The changes of one process between two working sets.

use psapi::WorkingSetDifference;

use super::modules::{self, ModuleRange};
use super::source::Sample;

/// The changes of a process, and its modules before and after.
pub struct Change<'a> {
    pub difference: WorkingSetDifference<'a>,
    /// Empty unless modules are shown.
    pub modules: Vec<ModuleRange>,
}

impl<'a> Change<'a> {
    pub fn between(before: &'a Sample, after: &'a Sample) -> psapi::Result<Self> {
        Ok(Change {
            difference: after.set.difference(&before.set)?,
            modules: modules::before_and_after(&before.modules, &after.modules),
        })
    }
}
