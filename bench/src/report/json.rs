//! For programs, and for [`markdown`](super::markdown) later.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Report;

pub fn write(report: &Report, file: &Path) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
}

pub fn read(file: &Path) -> anyhow::Result<Report> {
    let read =
        || -> anyhow::Result<Report> { Ok(serde_json::from_str(&fs::read_to_string(file)?)?) };
    read().with_context(|| format!("can't read {}", file.display()))
}
