//! `cargo xtask fuzz`: builds the fuzz targets with the compiler at hand and runs them.
//!
//! The layout is that of cargo-fuzz, but neither that nor a nightly compiler is needed: what it
//! adds to the build is flags that the stable compiler knows, too, as long as no sanitizer is
//! asked for. The parsers are safe code; what a fuzzer can find in them are panics and broken
//! properties.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};

use crate::run::{self, cargo, root};

/// What cargo-fuzz gives the compiler: coverage for libFuzzer, and the checks of a debug build.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
];

/// Fuzzes the targets named, or all, for as many seconds each as `--seconds` says.
pub fn run(arguments: &[String]) -> Result<bool> {
    let mut seconds = 60;
    let mut targets = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let number = arguments.next().context("--seconds needs a number")?;
            seconds = number
                .parse()
                .with_context(|| format!("--seconds {number}"))?;
        } else {
            targets.push(argument.clone());
        }
    }
    fuzz(seconds, &targets)
}

/// Builds the targets and runs them, as many at a time as there are processors.
pub fn fuzz(seconds: u32, only: &[String]) -> Result<bool> {
    let all = targets()?;
    if let Some(unknown) = only.iter().find(|target| !all.contains(target)) {
        bail!(
            "there is no fuzz target {unknown}; there are {}",
            all.join(", ")
        );
    }
    let directory = build()?;
    let mut chosen = all;
    chosen.retain(|target| only.is_empty() || only.contains(target));

    let failed = Mutex::new(Vec::new());
    let queue = Mutex::new(chosen.into_iter());
    let next = || queue.lock().expect("no thread panics").next();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                while let Some(target) = next() {
                    if let Err(error) = run_target(&directory, &target, seconds) {
                        println!("{error:#}");
                        failed.lock().expect("no thread panics").push(target);
                    }
                }
            });
        }
    });
    Ok(failed.into_inner().expect("no thread panics").is_empty())
}

/// The targets, by the files that they are in.
fn targets() -> Result<Vec<String>> {
    let directory = root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&directory).with_context(|| directory.display().to_string())?;
    let mut targets = Vec::new();
    for file in files {
        let path = file?.path();
        targets.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    targets.sort();
    Ok(targets)
}

/// Builds all targets; returns the directory that they are in.
fn build() -> Result<PathBuf> {
    let host = run::host()?;
    let target = root().join("fuzz/target");
    // A target is named so that build scripts and macros are compiled without the flags.
    let built = run::succeeds(
        cargo(["build", "--release", "--manifest-path", "fuzz/Cargo.toml"])
            .args(["--target", &host, "--target-dir"])
            .arg(&target)
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"))
            .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
    )?;
    if !built {
        bail!("the fuzz targets do not build");
    }
    Ok(target.join(&host).join("release"))
}

/// Runs one target on its seeds and what it makes of them. What it finds worth keeping goes to
/// `fuzz/corpus`, what breaks the target to `fuzz/artifacts`.
fn run_target(directory: &Path, target: &str, seconds: u32) -> Result<()> {
    let fuzz = root().join("fuzz");
    let (corpus, artifacts) = (
        fuzz.join("corpus").join(target),
        fuzz.join("artifacts").join(target),
    );
    for directory in [&corpus, &artifacts] {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    let mut prefix = OsString::from("-artifact_prefix=");
    prefix.push(artifacts.join(""));
    let output = Command::new(directory.join(target))
        .arg(format!("-max_total_time={seconds}"))
        .args(["-max_len=16384", "-timeout=10"])
        .arg(prefix)
        .arg(&corpus)
        .arg(fuzz.join("seeds").join(target))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("fuzz target {target}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "{log}\nfuzz target {target} failed; once mended, add the input as a file of \
             fuzz/seeds/{target}"
        );
    }
    let summary = log.lines().rev().find(|line| line.starts_with("Done "));
    println!("{target}: {}", summary.unwrap_or("done"));
    Ok(())
}
