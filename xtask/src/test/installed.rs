//! The C library as others have it: installed below a prefix, and programs outside that find it by
//! `pkg-config` alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Outcome;
use crate::install;
use crate::run::{self, find, root};

/// How a program is linked with it, and whether it needs to be told where the library is then.
const WAYS: &[(&str, &[&str], &[&str], bool)] = &[
    ("shared", &["--cflags", "--libs"], &[], true),
    (
        "shared, UTF-16",
        &["--cflags", "--libs"],
        &["-DUNICODE", "-D_UNICODE"],
        true,
    ),
    (
        "static",
        &["--static", "--cflags", "--libs"],
        &["-static"],
        false,
    ),
];

/// Builds and runs the examples with what is installed.
pub fn check() -> Result<Outcome> {
    if find("pkg-config").is_none() {
        return Ok(Outcome::Skipped("pkg-config is missing".into()));
    }
    let scratch = super::public_directory()?;
    let prefix = scratch.path().join("prefix");
    if !install::run(&[format!("--prefix={}", prefix.display())])? {
        return Ok(Outcome::Failed("it can't be installed".into()));
    }
    let mut failed = Vec::new();
    for source in examples()? {
        let name = source.file_name().unwrap_or_default().to_string_lossy();
        let outside = scratch.path().join(&*name);
        fs::copy(&source, &outside).with_context(|| outside.display().to_string())?;
        for &(way, asked, flags, is_shared) in WAYS {
            let built = outside.with_extension("built");
            let mut build = Command::new(if name.ends_with(".cpp") { "c++" } else { "cc" });
            // What is linked with comes after what needs it.
            build
                .args(flags)
                .arg(&outside)
                .args(pkg_config(&prefix, asked)?);
            let mut program = Command::new(&built);
            program.stdout(std::process::Stdio::null());
            if is_shared {
                program.env("LD_LIBRARY_PATH", prefix.join("lib"));
            }
            let works = run::succeeds(build.arg("-o").arg(&built))? && run::succeeds(&mut program)?;
            println!("{} {name}, {way}", if works { "ok    " } else { "FAILED" });
            if !works {
                failed.push(format!("{name}, {way}"));
            }
        }
    }
    Ok(match failed.is_empty() {
        true => Outcome::Passed,
        false => Outcome::Failed(failed.join("; ")),
    })
}

fn pkg_config(prefix: &Path, asked: &[&str]) -> Result<Vec<String>> {
    let mut command = Command::new("pkg-config");
    command
        .args(asked)
        .arg("psapi")
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let words = String::from_utf8(run::output(&mut command)?).context("what pkg-config says")?;
    Ok(words.split_whitespace().map(str::to_owned).collect())
}

/// The examples in C and C++.
pub fn examples() -> Result<Vec<PathBuf>> {
    let directory = root().join("capi/examples");
    let entries = fs::read_dir(&directory).with_context(|| directory.display().to_string())?;
    let mut examples: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    examples.retain(|path| {
        let extension = path.extension().unwrap_or_default();
        extension == "c" || extension == "cpp"
    });
    examples.sort();
    Ok(examples)
}
