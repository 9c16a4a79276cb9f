//! Measures the allocations of a repeated capture, and the peak memory of a program that captures.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::fixtures::Fixtures;
use crate::helper;
use crate::measure::Figure;

/// The number of captures. The first one allocates the buffers that the others reuse.
const CAPTURES: &str = "11";

/// Counts the allocations of a repeated capture.
pub fn allocations(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    fixtures.fleet()?;
    let (allocations, _) = measure_alone(CAPTURES)?;
    Ok(Figure::of_psapi(allocations))
}

/// Measures the peak memory above that of an empty program.
pub fn peak(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    fixtures.fleet()?;
    let (_, empty) = measure_alone("0")?;
    let (_, peak) = measure_alone(CAPTURES)?;
    Ok(Figure::of_psapi((peak - empty) * 1024.0))
}

/// Returns the allocations of a repeated capture, and `VmHWM` in KiB.
fn measure_alone(captures: &str) -> anyhow::Result<(f64, f64)> {
    let output = Command::new(helper::path("bench-isolated")?)
        .args(["capture", captures])
        .output()?;
    ensure!(output.status.success(), "bench-isolated failed: {output:?}");
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.lines().map(str::parse);
    let mut next = || {
        numbers
            .next()
            .context("bench-isolated printed too few lines")
    };
    Ok((next()??, next()??))
}
