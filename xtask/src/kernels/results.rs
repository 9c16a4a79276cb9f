//! What the tests of one user on one kernel came to, and whether that is what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::expectations::{EXPECTATIONS, User};

/// What nextest exits with where tests have failed.
const TESTS_FAILED: i32 = 100;

#[derive(Debug, Default)]
pub struct Results {
    pub passed: BTreeSet<String>,
    pub failed: BTreeSet<String>,
    /// What tests could not arrange, and how often.
    pub skipped: BTreeMap<String, u32>,
}

#[derive(Debug)]
pub struct Verdict {
    /// The tests that failed as expected, and why.
    pub expected: Vec<String>,
    /// Those that did not. Some depend on how fast the guest is.
    pub notes: Vec<String>,
    /// What is not as expected.
    pub complaints: Vec<String>,
}

impl Results {
    /// What a guest left, of whose tests nextest exited with `code`. What failed in one that went down
    /// before has failed.
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
            let name = event["name"].as_str().context("a test's name")?;
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
        let told = if results.failed.is_empty() {
            0
        } else {
            TESTS_FAILED
        };
        ensure!(code == told, "nextest exited with {code}");
        ensure!(!results.passed.is_empty(), "no test has passed");
        results.passed.retain(|test| !before.contains(test));
        results.failed.extend(before.iter().cloned());
        Ok(results)
    }

    /// Holds them against what is expected on a kernel. Where only some tests have run, it is no complaint
    /// that others did not fail.
    pub fn judge(&self, version: (u32, u32), user: User, all_ran: bool) -> Verdict {
        let expectations = || EXPECTATIONS.iter().filter(|one| one.holds(version, user));
        let fail: BTreeSet<&str> = expectations().flat_map(|one| one.fail).copied().collect();
        let leave_out = expectations().flat_map(|one| one.leave_out).copied();
        let leave_out: BTreeSet<&str> = leave_out.collect();

        let failed: BTreeSet<&str> = self.failed.iter().map(String::as_str).collect();
        let left_out: BTreeSet<&str> = self.skipped.keys().map(String::as_str).collect();
        let expected =
            expectations().flat_map(|one| one.fail.iter().map(move |test| (test, one.why)));
        let expected = expected.filter(|(test, _)| failed.contains(**test));
        let mut verdict = Verdict {
            expected: expected
                .map(|(test, why)| format!("{test}: {why}"))
                .collect(),
            notes: Vec::new(),
            complaints: Vec::new(),
        };
        let mut complain = |what: &str, of: &str| verdict.complaints.push(format!("{what}: {of}"));
        for test in failed.difference(&fail) {
            complain("failed", test);
        }
        for reason in left_out.difference(&leave_out) {
            complain("a test left something out", reason);
        }
        if all_ran {
            let passed = fail.difference(&failed);
            let passed =
                passed.map(|test| format!("{test}: passed, though it is expected to fail"));
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
    fn what_failed_before_a_guest_went_down_has_failed() {
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
