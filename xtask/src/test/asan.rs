//! The tests of all that has `unsafe` in it, under AddressSanitizer.
//!
//! Its runtime comes with the compiler. That the stable one takes the flag is due to
//! `RUSTC_BOOTSTRAP`; no code here asks for a feature because of it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::left_out::{self, LeftOut};
use super::{FEWER_CALLS, Outcome, all, c_library, passed_but, runner, skipped};
use crate::run::{self, cargo, root};

/// The second makes stacks readable. The last lets a library that the tests load find the runtime in
/// the program.
const FLAGS: &[&str] = &[
    "-Zsanitizer=address",
    "-Cforce-frame-pointers=yes",
    "-Clink-arg=-rdynamic",
];

const LEFT_OUT: &[LeftOut] = &[
    (
        "what_is_asked_again_and_again_leaves_nothing",
        "the sanitizer holds freed memory back, which counts as growth",
    ),
    (
        "more_than_may_be_locked",
        "the sanitizer makes mlock do nothing",
    ),
    (
        "what_is_locked_is_in_memory_until_it_is_unlocked",
        "the sanitizer makes mlock do nothing",
    ),
    (
        "a_process_that_executes_another_program_answers_with_the_one_or_the_other",
        "the programs change faster than it reads one",
    ),
    (
        "a_thread_that_has_outlived_the_first_one_is_answered",
        "it is a C program, which has no runtime of the sanitizer for the library",
    ),
];

pub fn check() -> Result<Outcome> {
    let host = run::host()?;
    if !has_runtime(&host)? {
        return Ok(Outcome::Skipped(format!(
            "the compiler has no runtime of AddressSanitizer for {host}"
        )));
    }
    let log = skipped::Log::of_user(None)?;
    // A target is named so that build scripts and macros are compiled without the flags.
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
    let library = c_library::build_by(&mut instrumented(&["build"]))?;
    let tests = |what: &[&str]| {
        let mut command = instrumented(runner());
        command
            .arg("--no-fail-fast")
            .args(what)
            .env(c_library::DIRECTORY, &library)
            // What ends a test: also memory that nothing leads to any more.
            .env("ASAN_OPTIONS", "detect_leaks=1")
            .env(FEWER_CALLS.0, FEWER_CALLS.1)
            .args(left_out::arguments(LEFT_OUT));
        log.hand_to(&mut command);
        command
    };
    let psapi = ["--package", "psapi", "--all-features", "--lib", "--tests"];
    let mut capi = vec!["--package", "libpsapi", "--lib"];
    capi.extend(["--test", "contract", "--test", "random_calls"]);
    let outcome = all([tests(&psapi), tests(&capi)])?;
    Ok(left_out::tell(passed_but(outcome, &log)?, LEFT_OUT))
}

fn has_runtime(host: &str) -> Result<bool> {
    let directory = run::output(run::rustc().args(["--print=target-libdir", "--target", host]))?;
    let directory = String::from_utf8(directory).context("a directory")?;
    let entries = fs::read_dir(Path::new(directory.trim_end())).context("the compiler's files")?;
    let mut names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| name.to_string_lossy().ends_with("_rt.asan.a")))
}
