//! The oldest dependencies that the manifests allow: what is published compiles with them.

use std::fs;

use anyhow::{Context as _, Result};

use super::{Outcome, all, msrv};
use crate::run::{cargo, root};

/// Where the versions are written to: the ones in the tree stay.
const LOCK_FILE: &str = "target/minimal/Cargo.lock";

/// Chooses the oldest versions of what the manifests name (theirs in turn are as new as they come)
/// and compiles with them. Cargo's two ways to say so are not stable yet.
pub fn check() -> Result<Outcome> {
    let directory = root().join("target/minimal");
    fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    // Versions that are there already would stay.
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
