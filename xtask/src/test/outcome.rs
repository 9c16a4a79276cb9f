//! The outcome of a test step.

use std::process::Command;

use anyhow::Result;

use crate::run;

pub enum Outcome {
    Passed,
    /// Passed, but some tests were left out, for these reasons.
    PassedExcept(Vec<String>),
    Failed(String),
    /// The step ran in several guests, and has a line for each.
    Report {
        passed: bool,
        lines: Vec<String>,
    },
    /// The step cannot run on this machine, for this reason.
    Skipped(String),
}

impl Outcome {
    /// Adds tests that were left out to a step that passed.
    pub fn except(self, mut reasons: Vec<String>) -> Self {
        match self {
            Outcome::Passed if reasons.is_empty() => Outcome::Passed,
            Outcome::Passed => Outcome::PassedExcept(reasons),
            Outcome::PassedExcept(mut earlier) => {
                earlier.append(&mut reasons);
                Outcome::PassedExcept(earlier)
            }
            outcome => outcome,
        }
    }
}

/// Runs all commands and passes if every one succeeds. A failure does not keep the next command
/// from running, so that one run shows all failures.
pub fn all(commands: impl IntoIterator<Item = Command>) -> Result<Outcome> {
    let mut failed = 0;
    for mut command in commands {
        failed += usize::from(!run::succeeds(&mut command)?);
    }
    Ok(match failed {
        0 => Outcome::Passed,
        _ => Outcome::Failed("see above".into()),
    })
}
