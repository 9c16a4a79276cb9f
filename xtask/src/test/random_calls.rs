//! Random calls of every function of the C library.

use anyhow::Result;

use super::c_library;
use super::outcome::{Outcome, all};
use crate::run::cargo;

/// Makes a million calls, unless `PSAPI_RANDOM_CALLS` is set. An optimized build takes minutes.
pub fn million() -> Result<Outcome> {
    const CALLS: &str = "PSAPI_RANDOM_CALLS";
    let library = c_library::build_with(cargo(["build"]).arg("--release"))?;
    let mut calls = cargo(["test", "--release", "--package", "libpsapi"]);
    calls.args(["--test", "random_calls", "--", "--nocapture"]);
    calls.env(c_library::DIRECTORY, library);
    if std::env::var_os(CALLS).is_none() {
        calls.env(CALLS, "1000000");
    }
    all([calls])
}
