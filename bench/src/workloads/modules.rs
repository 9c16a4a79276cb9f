//! Lists the modules of a process with hundreds of libraries.

use std::hint::black_box;

use psapi::{ModuleFilter, System};

use crate::baselines::procfs;
use crate::fixtures::Fixtures;
use crate::measure::{Candidate, Figure, medians};

const TURNS: usize = 51;

pub fn run(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let id = fixtures.libraries()?.id();
    let system = System::new();
    medians(
        TURNS,
        vec![
            Candidate::inside("psapi", || {
                black_box(system.process(id)?.modules(ModuleFilter::All)?);
                Ok(())
            }),
            Candidate::inside("procfs", || procfs::maps(id)),
        ],
    )
}
