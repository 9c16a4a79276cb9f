//! The duration of the storm of short-lived processes.

use std::process::Command;

use anyhow::Result;

use super::outcome::{Outcome, all};
use crate::run::cargo;

/// The variable that sets the test's duration in seconds.
const SECONDS: &str = "PSAPI_STORM_SECONDS";

/// Limits the storm to 30 seconds among the other tests, unless the variable is set.
pub fn shorten(tests: &mut Command) {
    set(tests, "30");
}

/// Runs only the storm, for ten minutes unless the variable is set.
pub fn long() -> Result<Outcome> {
    let mut storm = cargo(["test", "--package", "psapi", "--test", "storm"]);
    set(&mut storm, "600");
    all([storm])
}

fn set(command: &mut Command, seconds: &str) {
    if std::env::var_os(SECONDS).is_none() {
        command.env(SECONDS, seconds);
    }
}
