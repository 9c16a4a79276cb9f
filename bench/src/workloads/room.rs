//! Memory: allocations of a repeated capture, and the peak of a program that captures.

use std::process::Command;

use anyhow::{Context, ensure};

use super::Stage;
use crate::helper;
use crate::measure::Figure;

/// How often the subject captures: the first one makes room, the others should find it.
const CAPTURES: &str = "11";

/// How many allocations a repeated capture makes.
pub fn allocations(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let (allocations, _) = subject(CAPTURES)?;
    Ok(vec![Figure {
        of: "psapi",
        value: allocations,
    }])
}

/// Peak memory, over that of the empty program.
pub fn peak(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let (_, empty) = subject("0")?;
    let (_, peak) = subject(CAPTURES)?;
    Ok(vec![Figure {
        of: "psapi",
        value: (peak - empty) * 1024.0,
    }])
}

/// Allocations, and `VmHWM` in KiB.
fn subject(captures: &str) -> anyhow::Result<(f64, f64)> {
    let output = Command::new(helper::path("bench-subject")?)
        .args(["capture", captures])
        .output()?;
    ensure!(output.status.success(), "the subject failed: {output:?}");
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.lines().map(str::parse);
    let mut next = || numbers.next().context("the subject said too little");
    Ok((next()??, next()??))
}
