//! The cost of the C library, compared with the same calls of the Rust library.

use std::hint::black_box;
use std::process::Command;

use anyhow::{Context, ensure};
use psapi::System;

use crate::c_library::{self, CLibrary};
use crate::fixtures::Fixtures;
use crate::measure::{Candidate, Figure, medians};
use crate::pages::Pages;

const GIB: u64 = 1 << 30;

/// Calls per measurement: one call is too short to measure.
const CALLS: usize = 1000;

/// Reads memory counters through an open handle.
pub fn memory(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let pages = Pages::start("small", 64 << 20)?;
    let process = pages.process()?;
    let library = CLibrary::load()?;
    let handle = library.open(pages.id())?;
    let working_set = process.memory_counters()?.working_set;
    ensure!(library.memory(handle)?[2] == working_set);
    let figures = medians(
        21,
        vec![
            Candidate::inside("psapi", || {
                for _ in 0..CALLS {
                    black_box(library.memory(handle)?);
                }
                Ok(())
            }),
            Candidate::inside("rust", || {
                for _ in 0..CALLS {
                    black_box(process.memory_counters()?);
                }
                Ok(())
            }),
        ],
    )?;
    let each = |figure: Figure| Figure {
        value: figure.value / CALLS as f64,
        ..figure
    };
    Ok(figures.into_iter().map(each).collect())
}

/// Lists process ids.
pub fn processes(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    fixtures.fleet()?;
    let system = System::new();
    let library = CLibrary::load()?;
    let mut ids = vec![0; 1 << 16];
    ensure!(library.processes(&mut ids)? == system.process_ids()?.len());
    medians(
        101,
        vec![
            Candidate::inside("psapi", || {
                black_box(library.processes(&mut ids)?);
                Ok(())
            }),
            Candidate::inside("rust", || {
                black_box(system.process_ids()?);
                Ok(())
            }),
        ],
    )
}

/// Takes a working set of 1 GiB.
pub fn working_set(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let pages = Pages::start("small", GIB)?;
    let process = pages.process()?;
    let library = CLibrary::load()?;
    let handle = library.open(pages.id())?;
    let mut blocks = vec![1; (GIB / 4096) as usize * 2];
    library.working_set(handle, &mut blocks)?;
    ensure!(blocks[0] as u64 >= GIB / 4096);
    medians(
        21,
        vec![
            Candidate::inside("psapi", || library.working_set(handle, &mut blocks)),
            Candidate::inside("rust", || {
                black_box(process.working_set()?);
                Ok(())
            }),
        ],
    )
}

/// Measures the size of the stripped shared library.
pub fn size(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let stripped = tempfile::NamedTempFile::new()?;
    let status = Command::new("strip")
        .arg("-o")
        .arg(stripped.path())
        .arg(c_library::path()?)
        .status()
        .context("cannot run strip")?;
    ensure!(status.success(), "strip failed");
    Ok(Figure::of_psapi(
        std::fs::metadata(stripped.path())?.len() as f64
    ))
}

/// Counts the descriptors that random calls of all exports leak.
pub fn leaked_descriptors(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let [descriptors, _] = fixtures.random_calls()?;
    Ok(Figure::of_psapi(descriptors))
}

/// Measures the growth of private memory in the second half of these calls.
pub fn leaked_memory(fixtures: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let [_, bytes] = fixtures.random_calls()?;
    Ok(Figure::of_psapi(bytes))
}
