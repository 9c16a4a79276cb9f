//! The ids of all processes.

use std::hint::black_box;
use std::mem::MaybeUninit;

use psapi::System;

use super::Stage;
use crate::contestants::{bare, procfs};
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 101;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let system = System::new();
    let mut buffer = vec![MaybeUninit::uninit(); 256 * 1024];
    let mut figures = medians(
        TURNS,
        vec![
            Contestant::inside("psapi", || {
                black_box(system.process_ids()?);
                Ok(())
            }),
            Contestant::inside("bare", || bare::list(&mut buffer)),
        ],
    )?;
    // Not in turn with the others: it opens and closes each process, and what the kernel puts off
    // of that would be charged to who comes next, who takes a fifth of the time.
    figures.extend(medians(
        TURNS,
        vec![Contestant::inside("procfs", procfs::ids)],
    )?);
    Ok(figures)
}
