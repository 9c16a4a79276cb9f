//! What the tests of one user on one kernel came to, and whether that is what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::expectations::{EXPECTATIONS, Expectation, Outcome, User};

/// What nextest exits with where tests have failed.
const TESTS_FAILED: i32 = 100;

#[derive(Debug, Default)]
pub struct Results {
    pub passed: BTreeSet<String>,
    pub failed: BTreeSet<String>,
    /// What tests could not arrange, and how often.
    pub skipped: BTreeMap<String, u32>,
}

/// What is not as expected.
#[derive(Debug, Default)]
pub struct Verdict {
    pub expected: usize,
    pub complaints: Vec<String>,
}

impl Results {
    /// What a guest left, of whose tests nextest exited with `code`.
    pub fn read(directory: &Path, user: User, code: i32) -> Result<Self> {
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
        anyhow::ensure!(code == told, "nextest exited with {code}");
        anyhow::ensure!(!results.passed.is_empty(), "no test has passed");
        Ok(results)
    }

    /// Holds them against what is expected on a kernel. Where only some tests have run, it is no complaint
    /// that others did not fail.
    pub fn judge(&self, version: (u32, u32), user: User, all_ran: bool) -> Verdict {
        let expectations = EXPECTATIONS.iter();
        let expectations: Vec<&Expectation> = expectations
            .filter(|one| one.holds(version, user))
            .collect();
        let mut verdict = Verdict::default();
        let find = |is: &dyn Fn(&Outcome) -> bool| expectations.iter().any(|one| is(&one.outcome));
        for test in &self.failed {
            match find(&|outcome| matches!(outcome, Outcome::Fails(name) if name == test)) {
                true => verdict.expected += 1,
                false => verdict.complaints.push(format!("{test} failed")),
            }
        }
        for reason in self.skipped.keys() {
            if !find(&|outcome| matches!(outcome, Outcome::Skips(text) if text == reason)) {
                verdict
                    .complaints
                    .push(format!("a test left something out: {reason}"));
            }
        }
        if all_ran {
            for one in &expectations {
                let met = match one.outcome {
                    Outcome::Fails(name) => self.failed.contains(name),
                    Outcome::Skips(reason) => self.skipped.contains_key(reason),
                };
                if !met {
                    verdict
                        .complaints
                        .push(format!("it is expected, but did not come: {one}"));
                }
            }
        }
        verdict
    }
}
