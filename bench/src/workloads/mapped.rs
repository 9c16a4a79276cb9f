//! The file behind an address, of a process that is open already.

use std::hint::black_box;

use psapi::{ModuleFilter, System};

use super::Stage;
use crate::measure::{Contestant, Figure, medians};

const TURNS: usize = 51;

/// One answer is too short to be measured.
const TIMES: usize = 10;

pub fn run(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    let process = System::new().process(stage.libraries()?.id())?;
    let addresses: Vec<u64> = process
        .modules(ModuleFilter::All)?
        .iter()
        .map(|module| module.base)
        .collect();
    let figures = medians(
        TURNS,
        vec![Contestant::inside("psapi", || {
            for _ in 0..TIMES {
                for &address in &addresses {
                    black_box(process.mapped_file(address)?);
                }
            }
            Ok(())
        })],
    )?;
    let answers = (TIMES * addresses.len()) as f64;
    Ok(figures
        .into_iter()
        .map(|figure| Figure {
            value: figure.value / answers,
            ..figure
        })
        .collect())
}
