//! The command that lists processes, to a pipe.

use std::process::Command;

use super::Stage;
use crate::contestants::ps::{self, COLUMNS};
use crate::helper;
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 11;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let mut ours = Command::new(helper::path("psapi")?);
    ours.arg("ps");
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
