//! For `docs/performance.md`: the part between two markers is the last run's.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Context;

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
    for row in &report.rows {
        if let Some(failure) = &row.failure {
            let _ = writeln!(text, "\nNot measured: {}: {failure}.", row.name);
        }
    }
    text
}

/// Puts the run in its place in a document.
pub fn replace(report: &Report, file: &Path) -> anyhow::Result<()> {
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
