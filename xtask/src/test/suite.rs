//! Settings that several steps share.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::run::{self, cargo};

/// A smaller number of random calls, for steps that repeat them or run them slowly.
pub const FEWER_CALLS: (&str, &str) = ("PSAPI_RANDOM_CALLS", "10000");

/// Selects all tests except doctests, which nextest does not run.
pub const ALL_TESTS: &[&str] = &[
    "--workspace",
    "--all-features",
    "--lib",
    "--bins",
    "--tests",
];

/// Returns cargo's arguments that run tests: nextest if it is installed.
pub fn runner() -> &'static [&'static str] {
    if run::works(&mut cargo(["nextest", "--version"])) {
        &["nextest", "run"]
    } else {
        &["test"]
    }
}

/// Creates a temporary directory that every user can read.
pub fn public_directory() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("psapi-tests-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .context("cannot create a temporary directory")
}
