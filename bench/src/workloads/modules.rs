//! The modules of a process with hundreds of libraries.

use std::hint::black_box;

use psapi::{ModuleFilter, System};

use super::Stage;
use crate::contestants::procfs;
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 51;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    let id = stage.libraries()?.id();
    let system = System::new();
    medians(
        TURNS,
        vec![
            Contestant::inside("psapi", || {
                black_box(system.process(id)?.modules(ModuleFilter::All)?);
                Ok(())
            }),
            Contestant::inside("procfs", || procfs::maps(id)),
        ],
    )
}
