//! `cargo xtask test`: all that CI runs, step by step, with a summary at the end. A step that
//! fails does not keep the others from running.

mod asan;
mod c_library;
mod deny;
mod i686;
mod installed;
mod left_out;
mod minimal;
mod msrv;
mod nobody;
mod skipped;
mod storm;
mod tools;
mod valgrind;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::run::{self, cargo};
use crate::{fuzz, kernels};

/// How long a fuzz target runs here, in seconds; `cargo xtask fuzz` runs longer.
const FUZZ_SECONDS: u32 = 2;

/// Fewer random calls than usual, where they have been made before or each takes longer.
const FEWER_CALLS: (&str, &str) = ("PSAPI_RANDOM_CALLS", "10000");

/// Everything that is tested: doctests are apart, since nextest does not know them.
const EVERYTHING: &[&str] = &[
    "--workspace",
    "--all-features",
    "--lib",
    "--bins",
    "--tests",
];

/// What a step came to.
enum Outcome {
    Passed,
    /// It passed, but left out some things; says why.
    PassedBut(Vec<String>),
    Failed(String),
    /// It was run in several places: whether all is well, and what ran where.
    Places(bool, Vec<String>),
    /// It could not be tried here; says why.
    Skipped(String),
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step {
        name: "tools",
        what: "what the tests need is installed",
        run: tools::provide,
    },
    Step {
        name: "fmt",
        what: "formatting",
        run: format,
    },
    Step {
        name: "clippy",
        what: "lints, with and without features",
        run: clippy,
    },
    Step {
        name: "msrv",
        what: "dependencies compile with the oldest compiler that is promised",
        run: msrv::check,
    },
    Step {
        name: "minimal",
        what: "what is published compiles with the oldest dependencies that it allows",
        run: minimal::check,
    },
    Step {
        name: "deny",
        what: "dependencies' licences, sources and duplicates",
        run: deny::check,
    },
    Step {
        name: "tests",
        what: "unit, property and live tests",
        run: tests,
    },
    Step {
        name: "nobody",
        what: "the tests once more, without privileges",
        run: nobody::tests,
    },
    Step {
        name: "asan",
        what: "tests of the library and the C library under AddressSanitizer",
        run: asan::check,
    },
    Step {
        name: "valgrind",
        what: "tests of the library under valgrind, those that take seconds",
        run: valgrind::short,
    },
    Step {
        name: "install",
        what: "programs outside find the installed C library",
        run: installed::check,
    },
    Step {
        name: "doctests",
        what: "examples in the documentation",
        run: doctests,
    },
    Step {
        name: "doc",
        what: "documentation builds without warnings",
        run: documentation,
    },
    Step {
        name: "fuzz",
        what: "a few seconds of fuzzing each parser",
        run: short_fuzz,
    },
    // The last, so that the log ends with what ran where.
    Step {
        name: "kernels",
        what: "the live tests on Debian's kernels, as root and as nobody",
        run: on_kernels,
    },
];

/// What takes too long, or needs too much, to be run with the others.
const ON_REQUEST: &[Step] = &[
    Step {
        name: "storm",
        what: "captures in ten minutes of short-lived processes",
        run: storm::long,
    },
    Step {
        name: "valgrind-all",
        what: "tests of the library under valgrind, those that take minutes, too",
        run: valgrind::all,
    },
    Step {
        name: "i686",
        what: "the library and the C library where a pointer has 32 bits",
        run: i686::check,
    },
];

/// The steps' names, in order.
pub fn step_names() -> String {
    format!("{}; on request: {}", names(STEPS), names(ON_REQUEST))
}

fn names(steps: &[Step]) -> String {
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    names.join(" ")
}

/// Runs the steps named, or all; says whether none failed.
pub fn run(names: &[String]) -> Result<bool> {
    let steps = || STEPS.iter().chain(ON_REQUEST);
    let unknown = |name: &&String| steps().all(|step| step.name != **name);
    if let Some(name) = names.iter().find(unknown) {
        anyhow::bail!("there is no step {name}; there are: {}", step_names());
    }
    let chosen: Vec<_> = match names {
        [] => STEPS.iter().collect(),
        _ => steps()
            .filter(|step| names.iter().any(|name| name == step.name))
            .collect(),
    };
    let mut results = Vec::new();
    for step in chosen {
        println!("\n=== {}: {}", step.name, step.what);
        let start = Instant::now();
        let outcome = (step.run)().unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        results.push((step, outcome, start.elapsed()));
    }
    Ok(summarize(&results))
}

fn summarize(results: &[(&Step, Outcome, Duration)]) -> bool {
    println!("\n=== summary");
    let mut passed = true;
    for (step, outcome, time) in results {
        let (word, why) = match outcome {
            Outcome::Passed | Outcome::PassedBut(_) | Outcome::Places(true, _) => {
                ("passed", String::new())
            }
            Outcome::Places(false, _) => ("FAILED", ": see below".into()),
            Outcome::Skipped(why) => ("SKIPPED", format!(": {why}")),
            Outcome::Failed(why) => ("FAILED", format!(": {why}")),
        };
        passed &= !matches!(outcome, Outcome::Failed(_) | Outcome::Places(false, _));
        let seconds = time.as_secs_f64();
        let (name, what) = (step.name, step.what);
        println!("{name:13}{word:8} {seconds:6.1} s  {what}{why}");
        if let Outcome::PassedBut(reasons) = outcome {
            for reason in reasons {
                println!("{:13}SKIPPED: {reason}", "");
            }
        }
        if let Outcome::Places(_, lines) = outcome {
            for line in lines {
                println!("{:13}{line}", "");
            }
        }
    }
    let all: Duration = results.iter().map(|(_, _, time)| *time).sum();
    let verdict = if passed { "all passed" } else { "FAILED" };
    println!("{verdict}, {:.1} s", all.as_secs_f64());
    passed
}

/// Passed if all the commands succeed; all are run, so that one run shows everything.
fn all(commands: impl IntoIterator<Item = std::process::Command>) -> Result<Outcome> {
    let mut failed = 0;
    for mut command in commands {
        failed += usize::from(!run::succeeds(&mut command)?);
    }
    Ok(match failed {
        0 => Outcome::Passed,
        _ => Outcome::Failed("see above".into()),
    })
}

fn format() -> Result<Outcome> {
    all([
        cargo(["fmt", "--all", "--check"]),
        cargo(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]),
    ])
}

fn clippy() -> Result<Outcome> {
    let strict = ["--", "--deny", "warnings"];
    let mut everything = cargo(["clippy", "--workspace", "--all-targets", "--all-features"]);
    let mut plain = cargo(["clippy", "--package", "psapi", "--all-targets"]);
    everything.args(strict);
    plain.arg("--no-default-features").args(strict);
    all([everything, plain])
}

fn tests() -> Result<Outcome> {
    let log = skipped::Log::of_user(None)?;
    let mut tests = cargo([runner(), &["--no-fail-fast"], EVERYTHING].concat());
    log.hand_to(&mut tests);
    storm::shortly(&mut tests);
    tests.env(c_library::DIRECTORY, c_library::build()?);
    passed_but(all([tests])?, &log)
}

/// What of cargo runs tests.
fn runner() -> &'static [&'static str] {
    match run::works(&mut cargo(["nextest", "--version"])) {
        true => &["nextest", "run"],
        false => &["test"],
    }
}

/// Adds what was left out to a step that passed.
fn passed_but(outcome: Outcome, log: &skipped::Log) -> Result<Outcome> {
    let reasons = log.reasons()?;
    Ok(match outcome {
        Outcome::Passed if !reasons.is_empty() => Outcome::PassedBut(reasons),
        outcome => outcome,
    })
}

/// A temporary directory that everyone may read.
fn public_directory() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("psapi-tests-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .context("a temporary directory")
}

fn doctests() -> Result<Outcome> {
    all([cargo(["test", "--doc", "--workspace", "--all-features"])])
}

fn on_kernels() -> Result<Outcome> {
    let report = kernels::run(&[])?;
    Ok(Outcome::Places(report.is_good, report.lines))
}

fn documentation() -> Result<Outcome> {
    // The command is a program of the library's name: both would be documented in one place.
    let mut doc = cargo(["doc", "--workspace", "--exclude", "psapi-cli"]);
    doc.args(["--all-features", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    all([doc])
}

fn short_fuzz() -> Result<Outcome> {
    if !tools::has_cpp_compiler() {
        return Ok(Outcome::Skipped(
            "libFuzzer needs a C++ compiler: install g++".into(),
        ));
    }
    let passed = fuzz::fuzz(FUZZ_SECONDS, &[]).context("fuzzing")?;
    Ok(match passed {
        true => Outcome::Passed,
        false => Outcome::Failed("a target broke; see above".into()),
    })
}
