//! System calls for each process of a capture, counted by `strace`.

use std::process::Command;

use anyhow::{Context, ensure};

use super::Stage;
use crate::helper;
use crate::measure::Figure;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let processes = psapi::System::new().process_ids()?.len();
    // What one capture more costs: starting up is in both.
    let calls = count("2")? - count("1")?;
    Ok(vec![Figure {
        of: "psapi",
        value: calls / processes as f64,
    }])
}

fn count(captures: &str) -> anyhow::Result<f64> {
    let report = tempfile::NamedTempFile::new()?;
    let output = Command::new("strace")
        .args(["--summary-only", "--summary-columns=calls,name", "--output"])
        .arg(report.path())
        .arg(helper::path("bench-subject")?)
        .args(["capture", captures])
        .output()
        .context("can't run strace")?;
    ensure!(output.status.success(), "strace failed: {output:?}");
    let report = std::fs::read_to_string(report.path())?;
    let total = report
        .lines()
        .find_map(|line| line.trim().strip_suffix("total"))
        .context("strace printed no total")?;
    let calls = total
        .split_whitespace()
        .next()
        .context("no number of calls")?;
    Ok(calls.parse()?)
}
