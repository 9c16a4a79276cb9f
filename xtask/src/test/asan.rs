//! Runs the tests of the crates that contain `unsafe` under AddressSanitizer.
//!
//! The compiler ships the sanitizer's runtime. `RUSTC_BOOTSTRAP` makes the stable compiler accept
//! the flag; no code enables an unstable feature through it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::excluded::{self, Exclusion};
use super::outcome::{Outcome, all};
use super::suite::{FEWER_CALLS, runner};
use super::{c_library, skipped};
use crate::run::{self, cargo, root};

/// Frame pointers make the reported stacks complete. With `-rdynamic` a library that the tests load
/// finds the runtime in the program.
const FLAGS: &[&str] = &[
    "-Zsanitizer=address",
    "-Cforce-frame-pointers=yes",
    "-Clink-arg=-rdynamic",
];

pub const EXCLUDED: &[Exclusion] = &[
    (
        "repeated_calls_leak_nothing",
        "the sanitizer keeps freed memory in quarantine, which counts as growth",
    ),
    (
        "lock_fails_beyond_memlock_limit",
        "the sanitizer makes mlock do nothing",
    ),
    (
        "locked_pages_are_resident",
        "the sanitizer makes mlock do nothing",
    ),
    (
        "exec_gives_old_or_new_pages",
        "the test process calls execve faster than the slowed library can read it",
    ),
    (
        "repeated_exec_is_not_ended",
        "the test process calls execve faster than the slowed library can read it",
    ),
    (
        "calls_succeed_after_leader_exit",
        "it loads the library into a C program, which lacks the sanitizer's runtime",
    ),
];

/// Builds the C library and the tests with the sanitizer, and runs the tests.
pub fn check() -> Result<Outcome> {
    let host = run::host()?;
    if !has_runtime(&host)? {
        return Ok(Outcome::Skipped(format!(
            "the compiler ships no AddressSanitizer runtime for {host}"
        )));
    }
    let log = skipped::Log::of_user(None)?;
    // With an explicit target, cargo compiles build scripts and macros without the flags.
    let instrumented = |subcommand: &[&str]| {
        let mut command = cargo(subcommand);
        command
            .args(["--target", &host, "--target-dir"])
            .arg(root().join("target/asan"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"))
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
            .env("CARGO_INCREMENTAL", "0");
        command
    };
    let library = c_library::build_with(&mut instrumented(&["build"]))?;
    let tests = |selection: &[&str]| {
        let mut command = instrumented(runner());
        command
            .arg("--no-fail-fast")
            .args(selection)
            .env(c_library::DIRECTORY, &library)
            // Leaked memory fails a test as well. A refused allocation is a result, not an error.
            .env("ASAN_OPTIONS", "detect_leaks=1:allocator_may_return_null=1")
            .env(FEWER_CALLS.0, FEWER_CALLS.1)
            .args(excluded::arguments(EXCLUDED));
        log.attach_to(&mut command);
        command
    };
    let psapi = ["--package", "psapi", "--all-features", "--lib", "--tests"];
    let mut capi = vec!["--package", "libpsapi", "--lib"];
    capi.extend(["--test", "contract", "--test", "random_calls"]);
    let outcome = all([tests(&psapi), tests(&capi)])?;
    Ok(excluded::append_to(log.append_to(outcome)?, EXCLUDED))
}

fn has_runtime(host: &str) -> Result<bool> {
    let directory = run::output(run::rustc().args(["--print=target-libdir", "--target", host]))?;
    let directory =
        String::from_utf8(directory).context("the compiler's target-libdir is not UTF-8")?;
    let entries = fs::read_dir(Path::new(directory.trim_end()))
        .context("cannot list the compiler's libraries")?;
    let mut names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| name.to_string_lossy().ends_with("_rt.asan.a")))
}
