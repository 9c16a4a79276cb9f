//! The command that lists processes, to a pipe.

use std::process::Command;

use super::Stage;
use crate::contestants::ps::{self, COLUMNS, OUR_COLUMNS};
use crate::helper;
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 11;

/// With the columns that it shows when not told.
pub fn usual(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    run(stage, &["ps"])
}

pub fn same_columns(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    run(stage, &["ps", "--columns", OUR_COLUMNS])
}

fn run(stage: &Stage, arguments: &[&str]) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let mut ours = Command::new(helper::path("psapi")?);
    ours.args(arguments);
    let mut theirs = Command::new("ps");
    theirs.args(["-e", "-o", COLUMNS]);
    medians(
        TURNS,
        vec![
            Contestant::child("psapi", || ps::run(&mut ours)),
            Contestant::child("ps", || ps::run(&mut theirs)),
        ],
    )
}
