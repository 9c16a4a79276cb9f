//! What the C library costs beside the Rust one that it is made of.

use std::hint::black_box;
use std::process::Command;

use anyhow::{Context, ensure};
use psapi::System;

use super::Stage;
use crate::c_library::{self, CLibrary};
use crate::helper;
use crate::measure::{Contestant, Figure, medians};
use crate::pages::Pages;

const GIB: u64 = 1 << 30;

/// One answer is too short to be measured.
const TIMES: usize = 1000;

pub fn memory(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let pages = Pages::start("small", 64 << 20)?;
    let process = pages.process()?;
    let library = CLibrary::load()?;
    let handle = library.open(pages.id())?;
    let working_set = process.memory_counters()?.working_set;
    ensure!(library.memory(handle)?[2] == working_set);
    let figures = medians(
        21,
        vec![
            Contestant::inside("psapi", || {
                for _ in 0..TIMES {
                    black_box(library.memory(handle)?);
                }
                Ok(())
            }),
            Contestant::inside("rust", || {
                for _ in 0..TIMES {
                    black_box(process.memory_counters()?);
                }
                Ok(())
            }),
        ],
    )?;
    let each = |figure: Figure| Figure {
        value: figure.value / TIMES as f64,
        ..figure
    };
    Ok(figures.into_iter().map(each).collect())
}

pub fn processes(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    stage.fleet()?;
    let system = System::new();
    let library = CLibrary::load()?;
    let mut ids = vec![0; 1 << 16];
    ensure!(library.processes(&mut ids)? == system.process_ids()?.len());
    medians(
        101,
        vec![
            Contestant::inside("psapi", || {
                black_box(library.processes(&mut ids)?);
                Ok(())
            }),
            Contestant::inside("rust", || {
                black_box(system.process_ids()?);
                Ok(())
            }),
        ],
    )
}

pub fn working_set(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let pages = Pages::start("small", GIB)?;
    let process = pages.process()?;
    let library = CLibrary::load()?;
    let handle = library.open(pages.id())?;
    let mut words = vec![1; (GIB / 4096) as usize * 2];
    library.working_set(handle, &mut words)?;
    ensure!(words[0] as u64 >= GIB / 4096);
    medians(
        21,
        vec![
            Contestant::inside("psapi", || library.working_set(handle, &mut words)),
            Contestant::inside("rust", || {
                black_box(process.working_set()?);
                Ok(())
            }),
        ],
    )
}

/// Bytes of the shared library without its symbols.
pub fn size(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let stripped = tempfile::NamedTempFile::new()?;
    let status = Command::new("strip")
        .arg("-o")
        .arg(stripped.path())
        .arg(c_library::path()?)
        .status()
        .context("can't run strip")?;
    ensure!(status.success(), "strip failed");
    Ok(alone(std::fs::metadata(stripped.path())?.len() as f64))
}

/// Descriptors that have leaked after a million random calls of all that is exported.
pub fn leaked_descriptors(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    let [descriptors, _] = stage.random_calls()?;
    Ok(alone(descriptors))
}

/// Bytes by which private memory has grown after the first tenth of them.
pub fn leaked_memory(stage: &Stage) -> anyhow::Result<Vec<Figure>> {
    let [_, bytes] = stage.random_calls()?;
    Ok(alone(bytes))
}

/// What has leaked; a crash is an error.
pub fn random_calls() -> anyhow::Result<[f64; 2]> {
    let output = Command::new(helper::path("bench-random-calls")?)
        .arg(c_library::path()?)
        .args(["1000000", "1"])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "the calls ended with {}",
        output.status
    );
    let text = String::from_utf8(output.stdout)?;
    let numbers: Result<Vec<f64>, _> = text.lines().map(str::parse).collect();
    let numbers = numbers?.try_into();
    numbers.map_err(|_| anyhow::anyhow!("the calls said {text:?}"))
}

fn alone(value: f64) -> Vec<Figure> {
    vec![Figure { of: "psapi", value }]
}
