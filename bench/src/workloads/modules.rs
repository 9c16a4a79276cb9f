//! A process with hundreds of libraries.

use super::Stage;
use crate::contestants::procfs;
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 51;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    let id = stage.libraries()?.id();
    medians(
        TURNS,
        vec![Contestant::inside("procfs", || procfs::maps(id))],
    )
}
