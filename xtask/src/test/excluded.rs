//! Tests that a step leaves out because a checker or a machine breaks them, each with the reason.

use super::outcome::Outcome;

/// A test's name, or a part of it that no other test has, and the reason for leaving it out.
pub type Exclusion = (&'static str, &'static str);

/// Returns the arguments that make cargo or nextest leave the tests out.
pub fn arguments(tests: &[Exclusion]) -> impl Iterator<Item = &str> {
    let skips = tests.iter().flat_map(|(name, _)| ["--skip", name]);
    std::iter::once("--").chain(skips)
}

/// Adds the excluded tests to the report of a step that passed.
pub fn append_to(outcome: Outcome, tests: &[Exclusion]) -> Outcome {
    let reasons = tests.iter().map(|(name, why)| format!("{name}: {why}"));
    outcome.except(reasons.collect())
}
