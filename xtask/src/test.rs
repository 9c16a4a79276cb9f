//! `cargo xtask test`: everything that CI runs, step by step, with a summary at the end. The steps
//! after a failure still run.

pub mod asan;
mod c_library;
mod cycles;
mod deny;
mod excluded;
pub mod i686;
pub mod installed;
mod layers;
mod minimal;
mod msrv;
pub mod outcome;
mod random_calls;
pub mod skipped;
mod storm;
mod stub;
mod suite;
mod tools;
pub mod unprivileged;
pub mod valgrind;
mod words;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::run::cargo;
use crate::{fuzz, kernels, windows};
use outcome::{Outcome, all};
use suite::ALL_TESTS;

/// Seconds for each fuzz target as a step of the tests; `cargo xtask fuzz` runs longer.
const FUZZ_SECONDS: u32 = 2;

struct Step {
    name: &'static str,
    description: &'static str,
    run: fn() -> Result<Outcome>,
}

const STEPS: &[Step] = &[
    Step {
        name: "tools",
        description: "programs that the tests need are installed",
        run: tools::provide,
    },
    Step {
        name: "fmt",
        description: "formatting",
        run: format,
    },
    Step {
        name: "words",
        description: "plain English in comments and Markdown",
        run: words::check,
    },
    Step {
        name: "layers",
        description: "only psapi/src/sys calls the operating system",
        run: layers::check,
    },
    Step {
        name: "cycles",
        description: "no import cycles among a crate's files",
        run: cycles::check,
    },
    Step {
        name: "stub",
        description: "the library compiles for an unsupported platform",
        run: stub::check,
    },
    Step {
        name: "clippy",
        description: "lints, with and without features",
        run: clippy,
    },
    Step {
        name: "msrv",
        description: "dependencies compile with the declared minimum Rust version",
        run: msrv::check,
    },
    Step {
        name: "minimal",
        description: "published crates compile with their oldest allowed dependencies",
        run: minimal::check,
    },
    Step {
        name: "deny",
        description: "dependencies' licenses, sources and duplicate versions",
        run: deny::check,
    },
    Step {
        name: "tests",
        description: "unit, property and live tests",
        run: tests,
    },
    Step {
        name: "unprivileged",
        description: "the tests again, without privileges",
        run: unprivileged::tests,
    },
    Step {
        name: "asan",
        description: "tests of the library and the C library under AddressSanitizer",
        run: asan::check,
    },
    Step {
        name: "valgrind",
        description: "tests of the library under valgrind, the fast ones",
        run: valgrind::short,
    },
    Step {
        name: "install",
        description: "other programs find the installed C library",
        run: installed::check,
    },
    Step {
        name: "doctests",
        description: "examples in the documentation",
        run: doctests,
    },
    Step {
        name: "doc",
        description: "documentation builds without warnings",
        run: documentation,
    },
    Step {
        name: "fuzz",
        description: "a few seconds of fuzzing for each parser",
        run: short_fuzz,
    },
    Step {
        name: "windows",
        description: "lints for Windows, and the tests under Wine",
        run: windows::check,
    },
    // Last, so that the log ends with the results of each kernel.
    Step {
        name: "kernels",
        description: "the live tests on some of Debian's kernels, as root and as nobody",
        run: on_kernels,
    },
];

/// Steps that take too long, or need too much, to run by default.
const ON_REQUEST: &[Step] = &[
    Step {
        name: "storm",
        description: "captures during ten minutes of short-lived processes",
        run: storm::long,
    },
    Step {
        name: "valgrind-all",
        description: "tests of the library under valgrind, including the slow ones",
        run: valgrind::all,
    },
    Step {
        name: "random-calls",
        description: "a million random calls of the C library",
        run: random_calls::million,
    },
    Step {
        name: "i686",
        description: "the library and the C library with 32-bit pointers",
        run: i686::check,
    },
];

/// Returns the names of the steps, in the order in which they run.
pub fn step_names() -> String {
    format!("{}; on request: {}", names(STEPS), names(ON_REQUEST))
}

fn names(steps: &[Step]) -> String {
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    names.join(" ")
}

/// Runs the named steps, or all default ones. Returns true if none failed.
pub fn run(names: &[String]) -> Result<bool> {
    let steps = || STEPS.iter().chain(ON_REQUEST);
    let unknown = |name: &&String| steps().all(|step| step.name != **name);
    if let Some(name) = names.iter().find(unknown) {
        anyhow::bail!("unknown step {name}; steps are: {}", step_names());
    }
    let chosen: Vec<_> = match names {
        [] => STEPS.iter().collect(),
        _ => steps()
            .filter(|step| names.iter().any(|name| name == step.name))
            .collect(),
    };
    let mut results = Vec::new();
    for step in chosen {
        println!("\n=== {}: {}", step.name, step.description);
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
        let (word, reason) = match outcome {
            Outcome::Passed | Outcome::PassedExcept(_) | Outcome::Report { passed: true, .. } => {
                ("passed", String::new())
            }
            Outcome::Report { passed: false, .. } => ("FAILED", ": see below".into()),
            Outcome::Skipped(reason) => ("SKIPPED", format!(": {reason}")),
            Outcome::Failed(reason) => ("FAILED", format!(": {reason}")),
        };
        passed &= !matches!(
            outcome,
            Outcome::Failed(_) | Outcome::Report { passed: false, .. }
        );
        let seconds = time.as_secs_f64();
        let (name, description) = (step.name, step.description);
        println!("{name:13}{word:8} {seconds:6.1} s  {description}{reason}");
        if let Outcome::PassedExcept(reasons) = outcome {
            for reason in reasons {
                println!("{:13}SKIPPED: {reason}", "");
            }
        }
        if let Outcome::Report { lines, .. } = outcome {
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
    let mut tests = cargo([suite::runner(), &["--no-fail-fast"], ALL_TESTS].concat());
    log.attach_to(&mut tests);
    storm::shorten(&mut tests);
    tests.env(c_library::DIRECTORY, c_library::build()?);
    log.append_to(all([tests])?)
}

fn doctests() -> Result<Outcome> {
    all([cargo(["test", "--doc", "--workspace", "--all-features"])])
}

fn on_kernels() -> Result<Outcome> {
    let report = kernels::run_in_ci()?;
    Ok(Outcome::Report {
        passed: report.is_good,
        lines: report.lines,
    })
}

fn documentation() -> Result<Outcome> {
    // The command and the library have the same name, so their documentation would collide.
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
    Ok(if passed {
        Outcome::Passed
    } else {
        Outcome::Failed("a fuzz target failed; see above".into())
    })
}
