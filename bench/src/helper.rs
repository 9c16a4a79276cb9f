//! The programs that are measured, or help, as processes of their own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

/// Builds them, the command and the C library.
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
            .context("can't run cargo")?;
        ensure!(status.success(), "{} does not build", package[0]);
    }
    Ok(())
}

/// Where a program is that was built beside this one.
pub fn path(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is missing", path.display());
    Ok(path)
}
