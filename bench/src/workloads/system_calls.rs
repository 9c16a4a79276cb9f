//! Counts the system calls per process in a capture with `strace`.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::fixtures::Fixtures;
use crate::helper;
use crate::measure::Figure;

pub fn run(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    fixtures.fleet()?;
    let processes = psapi::System::new().process_ids()?.len();
    // The difference is the cost of one capture. Both counts include the start of the program.
    let calls = count("2")? - count("1")?;
    Ok(Figure::of_psapi(calls / processes as f64))
}

fn count(captures: &str) -> anyhow::Result<f64> {
    let report = tempfile::NamedTempFile::new()?;
    let output = Command::new("strace")
        .args(["--summary-only", "--summary-columns=calls,name", "--output"])
        .arg(report.path())
        .arg(helper::path("bench-isolated")?)
        .args(["capture", captures])
        .output()
        .context("cannot run strace")?;
    ensure!(output.status.success(), "strace failed: {output:?}");
    let report = std::fs::read_to_string(report.path())?;
    let total = report
        .lines()
        .find_map(|line| line.trim().strip_suffix("total"))
        .context("strace printed no total")?;
    let calls = total
        .split_whitespace()
        .next()
        .context("strace printed no number of calls")?;
    Ok(calls.parse()?)
}
