//! Tests that can't hold where a checker runs the program, each with the reason.

use super::Outcome;

/// A test's name, or a part of it that no other test has, and why it is left out.
pub type LeftOut = (&'static str, &'static str);

/// What tells cargo and nextest to leave them out.
pub fn arguments(tests: &[LeftOut]) -> impl Iterator<Item = &str> {
    let skips = tests.iter().flat_map(|(name, _)| ["--skip", name]);
    std::iter::once("--").chain(skips)
}

/// Adds them to a step that passed.
pub fn tell(outcome: Outcome, tests: &[LeftOut]) -> Outcome {
    let mut told: Vec<_> = tests
        .iter()
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    match outcome {
        Outcome::Passed => Outcome::PassedBut(told),
        Outcome::PassedBut(mut reasons) => {
            reasons.append(&mut told);
            Outcome::PassedBut(reasons)
        }
        outcome => outcome,
    }
}
