//! Other programs that the benchmark runs: measured ones, and helpers that need a process of their
//! own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

/// Builds the helpers, the command and the C library.
pub fn build() -> anyhow::Result<()> {
    for package in [
        &["psapi-bench", "--bins"][..],
        &["psapi-cli"],
        &["libpsapi"],
    ] {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--package"])
            .args(package)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .context("cannot run cargo")?;
        ensure!(status.success(), "cannot build {}", package[0]);
    }
    Ok(())
}

/// Returns the path of a program or library in the directory of this program.
pub fn path(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is missing", path.display());
    Ok(path)
}
