//! Finds the file mapped at an address, in a process that is open already.

use std::hint::black_box;

use psapi::{ModuleFilter, System};

use crate::fixtures::Fixtures;
use crate::measure::{Candidate, Figure, medians};

const TURNS: usize = 51;

/// Repetitions per measurement: one call is too short to measure.
const REPETITIONS: usize = 10;

pub fn run(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let process = System::new().process(fixtures.libraries()?.id())?;
    let addresses: Vec<u64> = process
        .modules(ModuleFilter::All)?
        .iter()
        .map(|module| module.base)
        .collect();
    let figures = medians(
        TURNS,
        vec![Candidate::inside("psapi", || {
            for _ in 0..REPETITIONS {
                for &address in &addresses {
                    black_box(process.mapped_file(address)?);
                }
            }
            Ok(())
        })],
    )?;
    let calls = (REPETITIONS * addresses.len()) as f64;
    Ok(figures
        .into_iter()
        .map(|figure| Figure {
            value: figure.value / calls,
            ..figure
        })
        .collect())
}
