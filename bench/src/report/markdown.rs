//! A report as Markdown, for the part of `docs/performance.md` between two markers.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use super::{HEADINGS, Report};

const BEGIN: &str = "<!-- cargo xtask bench: begin -->\n";
const END: &str = "<!-- cargo xtask bench: end -->";

/// Formats a report.
pub fn format(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Machine: {}.", report.machine);
    if !report.fixtures.is_empty() {
        let _ = writeln!(text, "Fixtures: {}.", report.fixtures.join(" and "));
    }
    let verdict = super::verdict(report);
    let _ = writeln!(text, "Result: {verdict}.\n\n| {} |", HEADINGS.join(" | "));
    let _ = writeln!(text, "| --- | ---: | --- | ---: | ---: | ---: | --- |");
    for row in &report.rows {
        let _ = writeln!(text, "| {} |", row.cells().join(" | "));
    }
    for cause in report.causes() {
        let _ = writeln!(text, "\nDepends on the machine: {cause}.");
    }
    for failure in report.failures() {
        let _ = writeln!(text, "\nNot measured: {failure}.");
    }
    text
}

/// Replaces the part of a document between the markers. Fails unless the report has all rows, since
/// the document presents it as a complete run.
pub fn replace(report: &Report, file: &Path) -> anyhow::Result<()> {
    let missing = report.missing_workloads();
    ensure!(
        missing.is_empty(),
        "cannot update {}: the run is incomplete, and lacks {}",
        file.display(),
        missing.join(", ")
    );
    let document =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (before, rest) = document
        .split_once(BEGIN)
        .with_context(|| format!("{} has no line {BEGIN}", file.display()))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("{} has no line {END}", file.display()))?;
    let document = format!("{before}{BEGIN}{}{END}{after}", format(report));
    fs::write(file, document).with_context(|| format!("cannot write {}", file.display()))
}
