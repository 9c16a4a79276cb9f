//! Tests of the library under valgrind, which also tells of what is read before it was written. The
//! sanitizer does not, and neither does it look into the standard library.

use anyhow::Result;

use super::left_out::{self, LeftOut};
use super::{Outcome, passed_but, skipped};
use crate::run::{self, cargo, find};

/// Of memory that was not given back, what nothing leads to.
const VALGRIND: &str = "valgrind --quiet --error-exitcode=99 --num-callers=25 --leak-check=full \
                        --show-leak-kinds=definite --errors-for-leak-kinds=definite";

/// Fewer cases where chance makes them: each takes some twenty times as long.
const CASES: (&str, &str) = ("PROPTEST_CASES", "4");

/// Files of tests that take seconds.
const SHORT: &[&str] = &[
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

/// Those that take minutes.
const LONG: &[&str] = &[
    "device_drivers",
    "few_descriptors",
    "symbols",
    "working_set",
    "working_set_meanwhile",
];

const LEFT_OUT: &[LeftOut] = &[
    (
        "the_current_process_is_this_one",
        "under valgrind it is valgrind's program",
    ),
    (
        "a_process_that_executes_another_program_answers_with_the_one_or_the_other",
        "the programs change faster than it reads one",
    ),
    (
        "the_vdso_has_symbols_while_the_process_lives_and_after",
        "valgrind keeps its own process from a vDSO to compare with",
    ),
];

/// Files of tests that are not run at all.
const FILES_LEFT_OUT: &[LeftOut] = &[
    (
        "access, empty_working_set, watch, watch_limits",
        "valgrind 3.19 lacks the system calls pidfd_open, process_madvise and perf_event_open",
    ),
    (
        "allocations, growth",
        "they count the program's memory, which is valgrind's here",
    ),
    ("hostile, storm", "they give an answer some seconds"),
];

/// Those that take seconds.
pub fn short() -> Result<Outcome> {
    check(SHORT)
}

/// All that can be.
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
        .args(left_out::arguments(LEFT_OUT));
    log.hand_to(&mut tests);
    let outcome = passed_but(super::all([tests])?, &log)?;
    let outcome = left_out::tell(outcome, LEFT_OUT);
    Ok(left_out::tell(outcome, FILES_LEFT_OUT))
}
