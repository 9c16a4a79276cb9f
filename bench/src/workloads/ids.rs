//! The ids of all processes.

use std::hint::black_box;
use std::mem::MaybeUninit;

use psapi::System;

use super::Stage;
use crate::contestants::{bare, procfs};
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 201;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let system = System::new();
    let mut buffer = vec![MaybeUninit::uninit(); 256 * 1024];
    medians(
        TURNS,
        vec![
            Contestant::inside("psapi", || {
                black_box(system.process_ids()?);
                Ok(())
            }),
            Contestant::inside("bare", || bare::list(&mut buffer)),
            Contestant::inside("procfs", procfs::ids),
        ],
    )
}
