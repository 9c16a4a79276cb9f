//! Lists the ids of all processes.

use std::hint::black_box;
use std::mem::MaybeUninit;

use psapi::System;

use crate::baselines::{bare, procfs};
use crate::fixtures::Fixtures;
use crate::measure::{Candidate, Figure, medians};

const TURNS: usize = 101;

pub fn run(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    fixtures.fleet()?;
    let system = System::new();
    let mut buffer = vec![MaybeUninit::uninit(); 256 * 1024];
    let mut figures = medians(
        TURNS,
        vec![
            Candidate::inside("psapi", || {
                black_box(system.process_ids()?);
                Ok(())
            }),
            Candidate::inside("bare", || bare::list(&mut buffer)),
        ],
    )?;
    // `procfs` takes no turns with the others. It opens and closes each process, and the kernel
    // defers a part of that work. The next candidate, which takes a fifth of the time, would be
    // charged for it.
    figures.extend(medians(
        TURNS,
        vec![Candidate::inside("procfs", procfs::ids)],
    )?);
    Ok(figures)
}
