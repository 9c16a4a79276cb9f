//! Runs tests of the library under valgrind, which also detects reads of uninitialized memory and
//! checks the standard library. AddressSanitizer does neither.

use anyhow::Result;

use super::excluded::{self, Exclusion};
use super::outcome::{self, Outcome};
use super::skipped;
use crate::run::{self, cargo, find};

/// A leak is an error only if no pointer to the block remains.
const VALGRIND: &str = "valgrind --quiet --error-exitcode=99 --num-callers=25 --leak-check=full \
                        --show-leak-kinds=definite --errors-for-leak-kinds=definite";

/// Fewer cases of each property test: one takes about twenty times as long as usual.
const CASES: (&str, &str) = ("PROPTEST_CASES", "4");

/// Test files that take seconds.
pub const SHORT: &[&str] = &[
    "address_map",
    "difference",
    "mappings",
    "memory",
    "modules",
    "page_files",
    "performance",
    "processes",
    "serialize",
    "trees",
];

/// Test files that take minutes.
pub const LONG: &[&str] = &[
    "device_drivers",
    "few_descriptors",
    "symbols",
    "working_set",
    "working_set_meanwhile",
];

pub const EXCLUDED: &[Exclusion] = &[
    (
        "current_process_is_this_one",
        "the kernel reports valgrind as the current program",
    ),
    (
        "exec_gives_old_or_new_pages",
        "the test process calls execve faster than the slowed library can read it",
    ),
    (
        "kernel_without_namespaces_permits_watch",
        "valgrind 3.19 lacks the system calls pidfd_open and perf_event_open",
    ),
    (
        "vdso_symbols_outlive_process",
        "valgrind hides the vDSO of its own process, which the test compares with",
    ),
];

/// Test files that do not run in this step.
pub const EXCLUDED_FILES: &[Exclusion] = &[
    (
        "access, empty_working_set, watch, watch_limits",
        "valgrind 3.19 lacks the system calls pidfd_open, process_madvise and perf_event_open",
    ),
    (
        "allocations, growth",
        "they count the program's memory, to which valgrind adds its own",
    ),
    ("hostile, storm", "they fail if a call takes seconds"),
];

/// Runs the fast tests.
pub fn short() -> Result<Outcome> {
    check(SHORT)
}

/// Runs all tests that work under valgrind.
pub fn all() -> Result<Outcome> {
    check(&[SHORT, LONG].concat())
}

fn check(files: &[&str]) -> Result<Outcome> {
    if find("valgrind").is_none() {
        return Ok(Outcome::Skipped("valgrind is missing".into()));
    }
    let log = skipped::Log::of_user(None)?;
    let runner = format!(
        "CARGO_TARGET_{}_RUNNER",
        run::host()?.to_uppercase().replace('-', "_")
    );
    let mut tests = cargo(["test", "--no-fail-fast", "--package", "psapi"]);
    tests.args(["--all-features", "--lib"]);
    for file in files {
        tests.args(["--test", file]);
    }
    tests
        .env(runner, VALGRIND)
        .env(CASES.0, CASES.1)
        .args(excluded::arguments(EXCLUDED));
    log.attach_to(&mut tests);
    let outcome = log.append_to(outcome::all([tests])?)?;
    let outcome = excluded::append_to(outcome, EXCLUDED);
    Ok(excluded::append_to(outcome, EXCLUDED_FILES))
}
