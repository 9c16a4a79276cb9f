//! Compiles the published crates with the oldest dependencies that their manifests allow.

use std::fs;

use anyhow::{Context as _, Result};

use super::msrv;
use super::outcome::{Outcome, all};
use crate::run::{cargo, root};

/// Receives the chosen versions, so that the repository's own lock file is not changed.
const LOCK_FILE: &str = "target/minimal/Cargo.lock";

/// Chooses the oldest version of each direct dependency and the newest of each indirect one, and
/// compiles with them. Both options of cargo are still unstable.
pub fn check() -> Result<Outcome> {
    let directory = root().join("target/minimal");
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    // Cargo would keep the versions of an existing lock file.
    let _ = fs::remove_file(root().join(LOCK_FILE));
    let with_own_lock_file = |subcommand: &str| {
        let mut command = cargo([subcommand, "-Zlockfile-path", "--config"]);
        command
            .arg(format!("resolver.lockfile-path=\"{LOCK_FILE}\""))
            .env("RUSTC_BOOTSTRAP", "1");
        command
    };
    let mut choose = with_own_lock_file("generate-lockfile");
    choose.args(["--quiet", "-Zdirect-minimal-versions"]);
    let mut compile = with_own_lock_file("check");
    compile.args(["--locked", "--all-features", "--target-dir"]);
    compile.arg(&directory);
    for package in msrv::PUBLISHED {
        compile.args(["--package", package]);
    }
    all([choose, compile])
}
