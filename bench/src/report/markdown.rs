//! For `docs/performance.md`: the part between two markers is the last run's.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

use super::{HEADINGS, Report};

const BEGIN: &str = "<!-- cargo xtask bench: begin -->\n";
const END: &str = "<!-- cargo xtask bench: end -->";

pub fn show(report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Machine: {}.", report.machine);
    if !report.stage.is_empty() {
        let _ = writeln!(text, "Run against {}.", report.stage.join(" and "));
    }
    let missed = super::verdict(report);
    let _ = writeln!(text, "Came out: {missed}.\n\n| {} |", HEADINGS.join(" | "));
    let _ = writeln!(text, "| --- | ---: | --- | ---: | ---: | ---: | --- |");
    for row in &report.rows {
        let _ = writeln!(text, "| {} |", row.cells().join(" | "));
    }
    for failure in report.failures() {
        let _ = writeln!(text, "\nNot measured: {failure}.");
    }
    text
}

/// Puts the run in its place in a document, which says that it is a whole one.
pub fn replace(report: &Report, file: &Path) -> anyhow::Result<()> {
    let not_whole = report.not_whole();
    ensure!(
        not_whole.is_empty(),
        "{} is for whole runs, and this is not one: {}",
        file.display(),
        not_whole.join(", ")
    );
    let document =
        fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let (before, rest) = document
        .split_once(BEGIN)
        .with_context(|| format!("{} has no line {BEGIN}", file.display()))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("{} has no line {END}", file.display()))?;
    let document = format!("{before}{BEGIN}{}{END}{after}", show(report));
    fs::write(file, document).with_context(|| format!("can't write {}", file.display()))
}
