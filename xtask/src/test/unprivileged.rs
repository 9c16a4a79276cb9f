//! Runs the tests again as the user `nobody`, who owns no files and has no capabilities.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use super::excluded::{self, Exclusion};
use super::outcome::Outcome;
use super::suite::{ALL_TESTS, FEWER_CALLS, public_directory};
use super::{c_library, skipped};
use crate::run::{self, cargo};

/// The ids of the user `nobody` and its group.
const NOBODY: u32 = 65534;

/// Test files that do not run in this step.
pub const EXCLUDED_FILES: &[Exclusion] = &[
    ("declared", "it tests compilers"),
    ("examples", "it builds programs in the target directory"),
    ("growth", "it takes long, and privileges do not affect it"),
    ("headers", "it tests compilers"),
    ("layout", "it tests compilers"),
    (
        "pages",
        "it takes long, and a browser shows the same page to every user",
    ),
    ("tchar", "it tests compilers"),
];

/// Builds the tests, copies them to a public directory, and runs them there as `nobody`.
pub fn tests() -> Result<Outcome> {
    if !rustix::process::geteuid().is_root() {
        return Ok(Outcome::Skipped(
            "not root: the step `tests` ran without privileges already, and skipped the tests that \
             need root"
                .into(),
        ));
    }
    let public = PublicDirectory::new()?;
    let (programs, mut tests) = build()?;
    for program in &programs {
        public.add(program, "")?;
    }
    let c_files = public.path("capi");
    c_library::copy(&c_files)?;
    let log = skipped::Log::of_user(Some(NOBODY))?;
    let mut failed = Vec::new();
    let is_excluded = |test: &Path| {
        let name = file_name(test);
        EXCLUDED_FILES
            .iter()
            .any(|(file, _)| name.starts_with(&format!("{file}-")))
    };
    tests.retain(|test| !is_excluded(test));
    for test in &tests {
        let copy = public.add(test, "deps")?;
        let mut command = Command::new(&copy);
        command
            .arg("--quiet")
            .uid(NOBODY)
            .gid(NOBODY)
            .current_dir(public.home())
            .env(FEWER_CALLS.0, FEWER_CALLS.1)
            .env("HOME", public.home())
            .env("TMPDIR", public.home())
            .env(c_library::DIRECTORY, &c_files)
            .env(c_library::C_FILES, &c_files);
        log.attach_to(&mut command);
        for program in &programs {
            // Tests find the programs of their package through this variable.
            let name = file_name(program);
            let path = public.path(&name);
            command.env(format!("CARGO_BIN_EXE_{name}"), path);
        }
        println!("--- {}", file_name(test));
        if !run::succeeds(&mut command)? {
            failed.push(file_name(test));
        }
    }
    let outcome = if failed.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(failed.join(", "))
    };
    Ok(excluded::append_to(log.append_to(outcome)?, EXCLUDED_FILES))
}

/// Builds the workspace and returns its programs and its test programs.
fn build() -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let json = "--message-format=json-render-diagnostics";
    let messages = run::output(&mut cargo(
        [&["test", "--no-run", json], ALL_TESTS].concat(),
    ))?;
    let (mut programs, mut tests) = (Vec::new(), Vec::new());
    for line in messages
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let message: Value = serde_json::from_slice(line).context("output of cargo test")?;
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

/// A directory that every user can read, laid out like a target directory, with a home directory of
/// the user `nobody`. The repository itself can lie where only root has access.
struct PublicDirectory(TempDir);

impl PublicDirectory {
    fn new() -> Result<Self> {
        let public = PublicDirectory(public_directory()?);
        for part in ["deps", "home"] {
            fs::create_dir(public.path(part))?;
            fs::set_permissions(public.path(part), Permissions::from_mode(0o755))?;
        }
        std::os::unix::fs::chown(public.home(), Some(NOBODY), Some(NOBODY))?;
        Ok(public)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// Adds a program as a hard link, or as a copy if that fails: the programs are large.
    fn add(&self, program: &Path, directory: &str) -> Result<PathBuf> {
        let copy = self
            .path(directory)
            .join(program.file_name().unwrap_or_default());
        let context = || format!("cannot copy {} to {}", program.display(), copy.display());
        let public = fs::metadata(program).with_context(context)?.mode() & 0o5 == 0o5;
        if !public || fs::hard_link(program, &copy).is_err() {
            fs::copy(program, &copy).with_context(context)?;
            fs::set_permissions(&copy, Permissions::from_mode(0o755)).with_context(context)?;
        }
        Ok(copy)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
