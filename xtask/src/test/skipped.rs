//! The log of test parts that were skipped for lack of a privilege or a program. Test runners hide
//! the output of tests that pass, so a file collects the reasons for the summary.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::fchown;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::outcome::Outcome;
use super::suite::public_directory;

/// A file to which each skipping test appends a line.
pub struct Log {
    path: PathBuf,
    _directory: TempDir,
}

impl Log {
    /// Creates an empty log that a user can write to; `None` is the current user.
    pub fn of_user(user: Option<u32>) -> Result<Self> {
        let directory = public_directory()?;
        let path = directory.path().join("skipped");
        let context = "cannot create the log of skipped tests";
        let file = File::create(&path).context(context)?;
        fchown(&file, user, None).context(context)?;
        Ok(Log {
            path,
            _directory: directory,
        })
    }

    /// Makes the tests that a command runs write to this log.
    pub fn attach_to(&self, command: &mut Command) {
        command.env("PSAPI_SKIPPED_LOG", &self.path);
    }

    /// Adds the reasons in the log to a step that passed.
    pub fn append_to(&self, outcome: Outcome) -> Result<Outcome> {
        Ok(outcome.except(self.reasons()?))
    }

    /// Returns the distinct reasons in the log.
    pub fn reasons(&self) -> Result<Vec<String>> {
        let text = fs::read(&self.path).context("cannot read the log of skipped tests")?;
        Ok(count(&String::from_utf8_lossy(&text)))
    }
}

/// Returns each distinct line once, with the number of times that it occurs.
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
    fn repeated_reasons_are_counted() {
        assert_eq!(super::count("b\na\nb\n"), ["a", "b (2 times)"]);
        assert!(super::count("").is_empty());
    }
}
