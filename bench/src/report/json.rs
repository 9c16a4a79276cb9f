//! A report as JSON, for other programs and for the option `--from`.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Report;

/// Writes a report to a file.
pub fn write(report: &Report, file: &Path) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Reads a report that [`write()`] wrote.
pub fn read(file: &Path) -> anyhow::Result<Report> {
    let read =
        || -> anyhow::Result<Report> { Ok(serde_json::from_str(&fs::read_to_string(file)?)?) };
    read().with_context(|| format!("cannot read {}", file.display()))
}
