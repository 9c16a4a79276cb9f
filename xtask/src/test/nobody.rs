//! The tests once more, as a user who owns nothing and has no capability.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use super::left_out::{self, LeftOut};
use super::{EVERYTHING, FEWER_CALLS, Outcome, c_library, passed_but, public_directory, skipped};
use crate::run::{self, cargo};

/// The user and group of who owns nothing.
const NOBODY: u32 = 65534;

/// Files of tests that are not run.
const FILES_LEFT_OUT: &[LeftOut] = &[
    ("declared", "it is about compilers"),
    ("growth", "it takes long, and needs no privilege"),
    ("headers", "it is about compilers"),
    ("layout", "it is about compilers"),
    ("tchar", "it is about compilers"),
];

/// Builds the tests, puts them where everyone may read, and runs them there as nobody.
pub fn tests() -> Result<Outcome> {
    if !rustix::process::geteuid().is_root() {
        return Ok(Outcome::Skipped(
            "not root, so that the tests had no privileges anyway; those that need root were \
             left out"
                .into(),
        ));
    }
    let place = Place::new()?;
    let (programs, mut tests) = build()?;
    for program in &programs {
        place.add(program, "")?;
    }
    let c_side = place.path("capi");
    c_library::copy(&c_side)?;
    let log = skipped::Log::of_user(Some(NOBODY))?;
    let mut failed = Vec::new();
    let is_left_out = |test: &Path| {
        let name = file_name(test);
        FILES_LEFT_OUT
            .iter()
            .any(|(file, _)| name.starts_with(&format!("{file}-")))
    };
    tests.retain(|test| !is_left_out(test));
    for test in &tests {
        let there = place.add(test, "deps")?;
        let mut command = Command::new(&there);
        command
            .arg("--quiet")
            .uid(NOBODY)
            .gid(NOBODY)
            .current_dir(place.home())
            .env(FEWER_CALLS.0, FEWER_CALLS.1)
            .env("HOME", place.home())
            .env("TMPDIR", place.home())
            .env(c_library::DIRECTORY, &c_side)
            .env(c_library::C_SIDE, &c_side);
        log.hand_to(&mut command);
        for program in &programs {
            // Where tests look for the programs of their package.
            let name = file_name(program);
            let path = place.path(&name);
            command.env(format!("CARGO_BIN_EXE_{name}"), path);
        }
        println!("--- {}", file_name(test));
        if !run::succeeds(&mut command)? {
            failed.push(file_name(test));
        }
    }
    let outcome = match failed.is_empty() {
        true => Outcome::Passed,
        false => Outcome::Failed(failed.join(", ")),
    };
    Ok(left_out::tell(passed_but(outcome, &log)?, FILES_LEFT_OUT))
}

/// Builds everything; returns the programs and the test programs.
fn build() -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let json = "--message-format=json-render-diagnostics";
    let messages = run::output(&mut cargo(
        [&["test", "--no-run", json], EVERYTHING].concat(),
    ))?;
    let (mut programs, mut tests) = (Vec::new(), Vec::new());
    for line in messages
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let message: Value = serde_json::from_slice(line).context("what cargo says")?;
        let Some(path) = message["executable"].as_str() else {
            continue;
        };
        match message["profile"]["test"].as_bool() {
            Some(true) => tests.push(path.into()),
            _ => programs.push(path.into()),
        }
    }
    anyhow::ensure!(!tests.is_empty(), "cargo built no tests");
    Ok((programs, tests))
}

/// A directory that everyone may read, laid out as a target directory is, with a home in it that
/// belongs to nobody: the clone may be somewhere that only root may enter.
struct Place(TempDir);

impl Place {
    fn new() -> Result<Self> {
        let place = Place(public_directory()?);
        for part in ["deps", "home"] {
            fs::create_dir(place.path(part))?;
            fs::set_permissions(place.path(part), Permissions::from_mode(0o755))?;
        }
        std::os::unix::fs::chown(place.home(), Some(NOBODY), Some(NOBODY))?;
        Ok(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Puts a program there, as a second name where that works, since they are large.
    fn add(&self, program: &Path, directory: &str) -> Result<PathBuf> {
        let there = self
            .path(directory)
            .join(program.file_name().unwrap_or_default());
        let context = || format!("{} to {}", program.display(), there.display());
        let public = fs::metadata(program).with_context(context)?.mode() & 0o5 == 0o5;
        if !public || fs::hard_link(program, &there).is_err() {
            fs::copy(program, &there).with_context(context)?;
            fs::set_permissions(&there, Permissions::from_mode(0o755)).with_context(context)?;
        }
        Ok(there)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
