//! `cargo xtask fuzz`: builds the fuzz targets with the installed compiler and runs them.
//!
//! The files are laid out for cargo-fuzz, but neither cargo-fuzz nor a nightly compiler is needed.
//! Without a sanitizer, the stable compiler accepts all of cargo-fuzz's flags. No sanitizer is
//! needed, since the parsers are safe code: a fuzzer can only find panics and violated properties.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail};

use crate::run::{self, cargo, root};

/// The flags of cargo-fuzz: coverage for libFuzzer, and the checks of a debug build.
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

/// Fuzzes the named targets, or all of them. `--seconds` sets the time for each.
pub fn run(arguments: &[String]) -> Result<bool> {
    let mut seconds = 60;
    let mut targets = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let number = arguments.next().context("--seconds needs a number")?;
            seconds = number
                .parse()
                .with_context(|| format!("invalid value: --seconds {number}"))?;
        } else {
            targets.push(argument.clone());
        }
    }
    fuzz(seconds, &targets)
}

/// Builds the targets and runs them in parallel, one for each processor.
pub fn fuzz(seconds: u32, only: &[String]) -> Result<bool> {
    let all = targets()?;
    if let Some(unknown) = only.iter().find(|target| !all.contains(target)) {
        bail!(
            "unknown fuzz target {unknown}; targets are: {}",
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

/// Lists the targets, which are named after their files.
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

/// Builds all targets and returns the directory of the programs.
fn build() -> Result<PathBuf> {
    let host = run::host()?;
    let target = root().join("fuzz/target");
    // With an explicit target, cargo compiles build scripts and macros without the flags.
    let built = run::succeeds(
        cargo(["build", "--release", "--manifest-path", "fuzz/Cargo.toml"])
            .args(["--target", &host, "--target-dir"])
            .arg(&target)
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"))
            .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
    )?;
    if !built {
        bail!("cannot build the fuzz targets");
    }
    Ok(target.join(&host).join("release"))
}

/// Runs one target, starting from its seeds. Inputs with new coverage are saved to `fuzz/corpus`,
/// and inputs that break the target to `fuzz/artifacts`.
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
        .with_context(|| format!("cannot run fuzz target {target}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "{log}\nfuzz target {target} failed; after the fix, add the input to \
             fuzz/seeds/{target}"
        );
    }
    let summary = log.lines().rev().find(|line| line.starts_with("Done "));
    println!("{target}: {}", summary.unwrap_or("done"));
    Ok(())
}
