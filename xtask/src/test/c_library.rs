//! The C library of the API, as the tests of the C side use it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::run::{self, cargo, root};

/// The variable that tells the tests where the library is.
pub const DIRECTORY: &str = "PSAPI_LIBRARY_DIR";

/// The variable that tells them where `include` and `examples` are.
pub const C_SIDE: &str = "PSAPI_CAPI_DIR";

/// What of the C side is read when the tests run.
const READ: &[&str] = &["include/psapi", "examples"];

/// Builds the library; returns the directory that it is in.
pub fn build() -> Result<PathBuf> {
    build_by(&mut cargo(["build"]))
}

/// As [`build`], by a `cargo build` that has arguments and an environment of its own.
pub fn build_by(cargo: &mut Command) -> Result<PathBuf> {
    cargo.args(["--package", "libpsapi"]);
    let messages = run::output(cargo.arg("--message-format=json-render-diagnostics"))?;
    let files = String::from_utf8(messages).context("what cargo says")?;
    let files = files
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| Some(message["filenames"].as_array()?.clone()))
        .flatten();
    let mut files = files.filter_map(|file| file.as_str().map(PathBuf::from));
    let shared = files.find(|file| file.ends_with("libpsapi.so"));
    let shared = shared.context("cargo built no libpsapi.so")?;
    Ok(shared.parent().context("a path")?.into())
}

/// Copies the library, the headers and the examples to a directory, for everyone to read.
pub fn copy(to: &Path) -> Result<()> {
    let built = build()?;
    directory(to)?;
    for name in ["libpsapi.so", "libpsapi.a"] {
        file(&built.join(name), &to.join(name))?;
    }
    for part in READ {
        let (from, to) = (root().join("capi").join(part), to.join(part));
        directory(&to)?;
        let mut copied = 0;
        for entry in fs::read_dir(&from).with_context(|| from.display().to_string())? {
            let entry = entry?;
            file(&entry.path(), &to.join(entry.file_name()))?;
            copied += 1;
        }
        ensure!(copied > 0, "{} is empty", from.display());
    }
    Ok(())
}

/// Makes a directory, and those on its way. Who runs this may keep new ones to themselves.
fn directory(path: &Path) -> Result<()> {
    for part in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
        if !part.exists() {
            fs::create_dir(part)
                .and_then(|()| fs::set_permissions(part, Permissions::from_mode(0o755)))
                .with_context(|| part.display().to_string())?;
        }
    }
    Ok(())
}

fn file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .and_then(|_| fs::set_permissions(to, Permissions::from_mode(0o755)))
        .with_context(|| format!("{} to {}", from.display(), to.display()))
}
