//! The results of one user's tests on one kernel, and their comparison with the expectations.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::expectations::{EXPECTATIONS, User};

/// Nextest's exit code after failed tests.
const TESTS_FAILED: i32 = 100;

/// Tests by their outcome, named as in the expectations.
#[derive(Debug, Default)]
pub struct Results {
    pub passed: BTreeSet<String>,
    pub failed: BTreeSet<String>,
    /// The reasons for skipping, with the number of tests.
    pub skipped: BTreeMap<String, u32>,
}

/// The difference between results and expectations.
#[derive(Debug)]
pub struct Verdict {
    /// The tests that failed as expected, with reasons.
    pub expected: Vec<String>,
    /// Tests that passed, although a failure is expected. Some depend on the speed of the guest.
    pub notes: Vec<String>,
    /// Unexpected failures and skips.
    pub complaints: Vec<String>,
}

impl Results {
    /// Reads the files that a guest wrote. `code` is nextest's exit code, and `before` are the
    /// tests that failed in an earlier boot of the guest; they count as failed.
    pub fn read(
        directory: &Path,
        user: User,
        code: i32,
        before: &BTreeSet<String>,
    ) -> Result<Self> {
        let read = |name: String| {
            let path = directory.join(name);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        let mut results = Results::default();
        for line in read(format!("tests-{}", user.name()))?.lines() {
            let event: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            if event["type"] != "test" {
                continue;
            }
            // PACKAGE::BINARY$TEST
            let name = event["name"]
                .as_str()
                .context("nextest reports a test without a name")?;
            let name = name.replacen('$', " ", 1);
            match event["event"].as_str() {
                Some("ok") => results.passed.insert(name),
                Some("failed") => results.failed.insert(name),
                _ => continue,
            };
        }
        for line in read(format!("skipped-{}", user.name()))?.lines() {
            *results.skipped.entry(line.to_owned()).or_default() += 1;
        }
        let expected = if results.failed.is_empty() {
            0
        } else {
            TESTS_FAILED
        };
        ensure!(
            code == expected,
            "nextest exited with {code}, but its report implies {expected}"
        );
        ensure!(!results.passed.is_empty(), "no test passed");
        results.passed.retain(|test| !before.contains(test));
        results.failed.extend(before.iter().cloned());
        Ok(results)
    }

    /// Compares the results with the expectations for a kernel. If only some tests ran, expected
    /// failures that did not occur are not reported.
    pub fn judge(&self, version: (u32, u32), user: User, all_ran: bool) -> Verdict {
        let expectations = || {
            EXPECTATIONS
                .iter()
                .filter(|one| one.applies_to(version, user))
        };
        let fail: BTreeSet<&str> = expectations().flat_map(|one| one.fail).copied().collect();
        let expected_skips = expectations().flat_map(|one| one.skips).copied();
        let expected_skips: BTreeSet<&str> = expected_skips.collect();

        let failed: BTreeSet<&str> = self.failed.iter().map(String::as_str).collect();
        let skips: BTreeSet<&str> = self.skipped.keys().map(String::as_str).collect();
        let expected =
            expectations().flat_map(|one| one.fail.iter().map(move |test| (test, one.reason)));
        let expected = expected.filter(|(test, _)| failed.contains(**test));
        let mut verdict = Verdict {
            expected: expected
                .map(|(test, reason)| format!("{test}: {reason}"))
                .collect(),
            notes: Vec::new(),
            complaints: Vec::new(),
        };
        let mut complain = |problem: &str, name: &str| {
            verdict.complaints.push(format!("{problem}: {name}"));
        };
        for test in failed.difference(&fail) {
            complain("unexpected failure", test);
        }
        for reason in skips.difference(&expected_skips) {
            complain("unexpected skip", reason);
        }
        if all_ran {
            let passed = fail.difference(&failed);
            let passed =
                passed.map(|test| format!("{test}: passed, although a failure is expected"));
            verdict.notes.extend(passed);
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, event: &str) -> String {
        format!("{{\"type\":\"test\",\"event\":\"{event}\",\"name\":\"psapi::watch${name}\"}}\n")
    }

    #[test]
    fn failures_before_a_crash_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: String| fs::write(directory.path().join(name), text).unwrap();
        write("skipped-root", "a reason\n".into());
        write("tests-root", event("first", "ok") + &event("second", "ok"));
        let before = BTreeSet::from(["psapi::watch second".to_owned()]);
        let read = |code| Results::read(directory.path(), User::Root, code, &before);
        let results = read(0).unwrap();
        assert_eq!(results.failed, before);
        assert!(results.passed.iter().eq(["psapi::watch first"]));
        assert!(results.skipped.contains_key("a reason"));
        assert!(read(100).is_err());
    }
}
