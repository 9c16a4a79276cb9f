//! The steps of `cargo xtask windows`. A step that fails does not keep the next one from running.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use super::session::Session;
use super::target::{I686, Target, X86_64};
use super::toolchain::Toolchain;
use super::{examples, summary};
use crate::run;
use crate::test::outcome::Outcome;
use crate::test::skipped::Log;

/// The crates that are built for Windows.
const LIBRARIES: &[&str] = &["--package", "psapi", "--package", "libpsapi"];
/// The files with tests of the command that ask for pages of other processes or for faults, or that
/// empty working sets. Without the stand-in, these tests skip, and name what Wine refuses.
const COMMAND: &[&str] = &[
    "--package",
    "psapi-cli",
    "--test",
    "empty",
    "--test",
    "pictures",
    "--test",
    "saved_working_sets",
    "--test",
    "tables",
    "--test",
    "targets",
    "--test",
    "watch",
    "--test",
    "working_set",
];
const ALL: &[&str] = &[
    "--package",
    "psapi",
    "--package",
    "libpsapi",
    "--package",
    "psapi-cli",
];

/// Makes the library call the stand-in instead of what Wine lacks. Only the library and its
/// dependents are compiled again.
const STAND_IN: &[&str] = &[
    "-Zprofile-rustflags",
    "--config",
    "profile.dev.package.psapi.rustflags=[\"--cfg=standin\"]",
];

/// The target of most users. Without Microsoft's linker, it can only be checked.
const LINTED: &str = "x86_64-pc-windows-msvc";

/// Another target that can only be checked.
const CHECKED: &str = "aarch64-pc-windows-msvc";

struct Steps<'t> {
    toolchain: &'t Toolchain,
    log: Log,
    lines: Vec<String>,
    passed: bool,
}

/// Runs all steps.
pub fn run(toolchain: &Toolchain) -> Result<Outcome> {
    let mut steps = Steps {
        toolchain,
        log: Log::of_user(None)?,
        lines: Vec::new(),
        passed: true,
    };
    steps.step(&format!("lints, {LINTED}"), Steps::lint);
    steps.step(CHECKED, Steps::check);
    let session = Session::start(toolchain)?;
    steps.step(&format!("tests, {}", X86_64.name), |steps| {
        steps.test(X86_64, ALL, &[])
    });
    // Programs of 32 bits are tested only with the stand-in, which passes most calls on. A second
    // build would take as long as all of these tests.
    for target in [X86_64, I686] {
        let name = target.name;
        steps.step(&format!("tests with stand-in, {name}"), |steps| {
            steps.test(target, LIBRARIES, STAND_IN)
        });
        if target.name == X86_64.name {
            steps.step("tests of the command with stand-in", |steps| {
                steps.test(target, COMMAND, STAND_IN)
            });
        }
        steps.step(&format!("C examples with stand-in, {name}"), |steps| {
            steps.examples(target)
        });
    }
    drop(session);
    let reasons = steps.log.reasons()?;
    let reasons = reasons.iter().map(|reason| format!("SKIPPED: {reason}"));
    steps.lines.extend(reasons);
    Ok(Outcome::Report {
        passed: steps.passed,
        lines: steps.lines,
    })
}

impl Steps<'_> {
    /// Runs a step, and adds a line with its time and its result or error.
    fn step(&mut self, name: &str, run: impl FnOnce(&Self) -> Result<String>) {
        println!("\n--- {name}");
        let start = Instant::now();
        let result = run(self);
        self.passed &= result.is_ok();
        let result = result.unwrap_or_else(|error| format!("FAILED: {error:#}"));
        let seconds = start.elapsed().as_secs_f64();
        self.lines.push(format!("{name}: {result}, {seconds:.0} s"));
    }

    fn lint(&self) -> Result<String> {
        let mut clippy = self.toolchain.clippy();
        clippy.args(["--all-targets", "--all-features"]).args(ALL);
        clippy.args(["--target", LINTED, "--", "--deny", "warnings"]);
        succeed(&mut clippy)
    }

    fn check(&self) -> Result<String> {
        let mut check = self.toolchain.cargo(&["check", "--lib"]);
        succeed(check.args(LIBRARIES).args(["--target", CHECKED]))
    }

    /// Builds psapi.dll, which the tests of the C library and the examples load.
    fn build_library(&self, target: Target, options: &[&str]) -> Result<()> {
        let mut build = self.toolchain.cargo(&["build", "--package", "libpsapi"]);
        build.args(["--target", target.name]).args(options);
        succeed(&mut build)?;
        Ok(())
    }

    fn test(&self, target: Target, packages: &[&str], options: &[&str]) -> Result<String> {
        self.build_library(target, options)?;
        let mut tests = self.toolchain.cargo(&["nextest", "run"]);
        tests.args(["--profile", "windows", "--no-fail-fast", "--all-features"]);
        tests.args(["--target", target.name]);
        tests.args(packages).args(options);
        self.log.attach_to(&mut tests);
        let output = forward(&mut tests)?;
        let numbers = summary::numbers(&output.text).context("no test ran")?;
        ensure!(output.succeeded, "{numbers}");
        Ok(numbers.to_owned())
    }

    fn examples(&self, target: Target) -> Result<String> {
        let library = self.toolchain.library(target);
        let (run, built) = examples::run(self.toolchain, target, &library)?;
        Ok(format!("{run} run, {built} others built"))
    }
}

fn succeed(command: &mut Command) -> Result<String> {
    if !run::succeeds(command)? {
        bail!("see above");
    }
    Ok("passed".into())
}

struct Output {
    succeeded: bool,
    text: String,
}

/// Runs nextest, prints its messages, and returns them.
///
/// They can come through a pipe, because tests do not inherit it: nextest reads their output.
fn forward(command: &mut Command) -> Result<Output> {
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let messages = child.stderr.take().context("standard error is piped")?;
    let mut text = String::new();
    for line in BufReader::new(messages).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("{line}");
        text.push_str(&line);
        text.push('\n');
    }
    Ok(Output {
        succeeded: child.wait()?.success(),
        text,
    })
}
