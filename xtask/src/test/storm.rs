//! How long the storm of short-lived processes lasts.

use std::process::Command;

use anyhow::Result;

use super::{Outcome, all};
use crate::run::cargo;

/// The variable that tells the test how many seconds.
const SECONDS: &str = "PSAPI_STORM_SECONDS";

/// Among all the tests, unless the variable says otherwise.
pub fn shortly(tests: &mut Command) {
    set(tests, "30");
}

/// Ten minutes of it and nothing else, unless the variable says otherwise.
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
