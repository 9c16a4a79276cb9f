//! Options for the source of the figures: none, because it is always the running system.

use anyhow::Result;
use psapi::System;

use super::debug_privilege::enable_debug_privilege;

/// Options for the source of the figures.
#[derive(Debug, clap::Args)]
pub struct Source {}

impl Source {
    /// Returns the system to inspect. Enables the privilege to inspect other users' processes, if the
    /// caller has it.
    pub fn system(&self) -> Result<System> {
        // Without it, other users' processes are refused, and the message about that says why.
        let _ = enable_debug_privilege();
        Ok(System::new())
    }
}
