//! What tests left out, for want of a privilege or a program, so that the summary can tell.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::fchown;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// The file that tests write a line to when they leave something out.
pub struct Log {
    path: PathBuf,
    _directory: TempDir,
}

impl Log {
    /// An empty one, which a user may write to.
    pub fn of_user(user: Option<u32>) -> Result<Self> {
        let directory = super::public_directory()?;
        let path = directory.path().join("skipped");
        let file = File::create(&path).context("the log of skipped tests")?;
        fchown(&file, user, None).context("the log of skipped tests")?;
        Ok(Log {
            path,
            _directory: directory,
        })
    }

    /// Makes the tests that a command runs write to it.
    pub fn hand_to(&self, command: &mut Command) {
        command.env("PSAPI_SKIPPED_LOG", &self.path);
    }

    /// The reasons, each once, and how often.
    pub fn reasons(&self) -> Result<Vec<String>> {
        let text = fs::read(&self.path).context("the log of skipped tests")?;
        Ok(count(&String::from_utf8_lossy(&text)))
    }
}

fn count(text: &str) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        *counts.entry(line).or_insert(0) += 1;
    }
    let reasons = counts.into_iter();
    reasons
        .map(|(reason, count)| match count {
            1 => reason.to_string(),
            _ => format!("{reason} ({count} times)"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn reasons_are_told_once() {
        assert_eq!(super::count("b\na\nb\n"), ["a", "b (2 times)"]);
        assert!(super::count("").is_empty());
    }
}
