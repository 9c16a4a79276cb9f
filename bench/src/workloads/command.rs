//! Lists processes with the commands, to a pipe.

use std::process::Command;

use crate::baselines::ps::{self, COLUMNS, OUR_COLUMNS};
use crate::fixtures::Fixtures;
use crate::helper;
use crate::measure::{Candidate, Figure, medians};

const TURNS: usize = 11;

/// Lists the default columns.
pub fn default_columns(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    run(fixtures, &["ps"])
}

/// Lists the same columns with both commands.
pub fn same_columns(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    run(fixtures, &["ps", "--columns", OUR_COLUMNS])
}

fn run(fixtures: &Fixtures, arguments: &[&str]) -> anyhow::Result<Vec<Figure>> {
    fixtures.fleet()?;
    let mut ours = Command::new(helper::path("psapi")?);
    ours.args(arguments);
    let mut theirs = Command::new("ps");
    theirs.args(["-e", "-o", COLUMNS]);
    medians(
        TURNS,
        vec![
            Candidate::child("psapi", || ps::run(&mut ours)),
            Candidate::child("ps", || ps::run(&mut theirs)),
        ],
    )
}
