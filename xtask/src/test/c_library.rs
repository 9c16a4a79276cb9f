//! Builds the C library for its tests, and copies it to where unprivileged tests can read it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::run::{self, cargo, root};

/// The variable that names the directory of the library for the tests.
pub const DIRECTORY: &str = "PSAPI_LIBRARY_DIR";

/// The variable that names the directory of `include` and `examples` for the tests.
pub const C_FILES: &str = "PSAPI_CAPI_DIR";

/// Directories below `capi` that the tests read at run time.
const READ_BY_TESTS: &[&str] = &["include/psapi", "examples"];

/// Builds the library and returns its directory.
pub fn build() -> Result<PathBuf> {
    build_with(&mut cargo(["build"]))
}

/// Like [`build`], with a prepared `cargo build`.
pub fn build_with(cargo: &mut Command) -> Result<PathBuf> {
    cargo.args(["--package", "libpsapi"]);
    let messages = run::output(cargo.arg("--message-format=json-render-diagnostics"))?;
    let files = String::from_utf8(messages).context("output of cargo build is not UTF-8")?;
    let files = files
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| Some(message["filenames"].as_array()?.clone()))
        .flatten();
    let mut files = files.filter_map(|file| file.as_str().map(PathBuf::from));
    let shared = files.find(|file| file.ends_with("libpsapi.so"));
    let shared = shared.context("cargo built no libpsapi.so")?;
    Ok(shared
        .parent()
        .context("libpsapi.so has no directory")?
        .into())
}

/// Copies the library, the headers and the examples to a directory that every user can read.
pub fn copy(to: &Path) -> Result<()> {
    let built = build()?;
    create_directory(to)?;
    for name in ["libpsapi.so", "libpsapi.a"] {
        copy_file(&built.join(name), &to.join(name))?;
    }
    for part in READ_BY_TESTS {
        let (from, to) = (root().join("capi").join(part), to.join(part));
        create_directory(&to)?;
        let mut copied = 0;
        for entry in fs::read_dir(&from).with_context(|| from.display().to_string())? {
            let entry = entry?;
            copy_file(&entry.path(), &to.join(entry.file_name()))?;
            copied += 1;
        }
        ensure!(copied > 0, "{} is empty", from.display());
    }
    Ok(())
}

/// Creates a directory and its parents. The mode is set explicitly, since the umask can hide new
/// directories from other users.
fn create_directory(path: &Path) -> Result<()> {
    for part in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
        if !part.exists() {
            fs::create_dir(part)
                .and_then(|()| fs::set_permissions(part, Permissions::from_mode(0o755)))
                .with_context(|| part.display().to_string())?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .and_then(|_| fs::set_permissions(to, Permissions::from_mode(0o755)))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}
