//! Takes working sets: complete ones, their share counts, their memory, and single pages.

use std::hint::black_box;
use std::ops::Range;
use std::process::Command;

use anyhow::{Context, ensure};
use psapi::{PageAttributes, Process, ShareCount};

use crate::baselines::pagemap;
use crate::fixtures::Fixtures;
use crate::helper;
use crate::measure::{Candidate, Figure, medians};
use crate::pages::{self, Pages};

const GIB: u64 = 1 << 30;

/// Takes a working set of 4 GiB of private 4 KiB pages.
pub fn small(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    whole(&Pages::start("small", 4 * GIB)?, 21, 1)
}

/// Takes a working set of 4 GiB of private 2 MiB pages, several times per measurement.
pub fn huge(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let pages = Pages::start("huge", 4 * GIB)?;
    let totals = pages.process()?.working_set()?.totals();
    let huge = totals.huge.unwrap_or(0);
    ensure!(huge >= 4 * GIB, "only {huge} bytes are huge pages");
    whole(&pages, 21, 50)
}

fn whole(pages: &Pages, turns: usize, times: usize) -> anyhow::Result<Vec<Figure>> {
    let process = pages.process()?;
    let ranges = ranges(&process)?;
    let figures = medians(
        turns,
        vec![
            Candidate::inside("psapi", || {
                for _ in 0..times {
                    black_box(process.working_set()?);
                }
                Ok(())
            }),
            Candidate::inside("scan", || {
                for _ in 0..times {
                    black_box(pagemap::scan(pages.id(), &ranges)?);
                }
                Ok(())
            }),
        ],
    )?;
    Ok(each(figures, times))
}

fn ranges(process: &Process) -> anyhow::Result<Vec<Range<u64>>> {
    let mappings = process.mappings()?;
    let of_process = mappings.iter().filter(|mapping| mapping.end < 1 << 63);
    Ok(of_process
        .map(|mapping| mapping.start..mapping.end)
        .collect())
}

fn each(figures: Vec<Figure>, times: usize) -> Vec<Figure> {
    let each = |figure: Figure| Figure {
        value: figure.value / times as f64,
        ..figure
    };
    figures.into_iter().map(each).collect()
}

/// Takes a working set of 1 GiB that four processes share.
pub fn shared(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let sharing = pages::shared(4, GIB)?;
    let first = sharing.first().context("shared returns four processes")?;
    let (process, range) = (first.process()?, first.start..first.start + GIB);
    let four = [(4, GIB / 4096)].into();
    let (counts, reads) = pagemap::counts_in_bulk(first.id(), &range)?;
    ensure!(counts == four);
    ensure!(pagemap::counts_one_by_one(first.id(), &range)? == four);
    let set = process.working_set()?;
    let mut runs = set
        .runs()
        .filter(|run| run.start >= range.start && run.end <= range.end);
    ensure!(runs.all(|run| run.shares == Some(ShareCount::Exactly(4))));
    let mut figures = medians(
        7,
        vec![
            Candidate::inside("psapi", || {
                black_box(process.working_set()?);
                Ok(())
            }),
            Candidate::inside("pages", || {
                black_box(pagemap::counts_one_by_one(first.id(), &range)?);
                Ok(())
            }),
            Candidate::inside("bulk", || {
                black_box(pagemap::counts_in_bulk(first.id(), &range)?);
                Ok(())
            }),
        ],
    )?;
    figures.push(Figure {
        name: "frames",
        value: (GIB / 4096) as f64 / reads as f64,
    });
    Ok(figures)
}

/// Measures the peak memory for a working set of 4 GiB in one mapping.
pub fn peak_memory(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let [peak, ..] = measure_alone(&Pages::start("small", 4 * GIB)?)?;
    Ok(Figure::of_psapi(peak))
}

/// Measures the memory per run, by comparison with a process that has one run instead of many.
pub fn memory_of_a_run(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let [_, few_bytes, few_runs] = measure_alone(&Pages::start("small", GIB)?)?;
    let [_, bytes, runs] = measure_alone(&Pages::start("alternate", GIB)?)?;
    ensure!(
        runs - few_runs >= (GIB / 8192) as f64 * 0.99,
        "only {runs} runs"
    );
    Ok(Figure::of_psapi((bytes - few_bytes) / (runs - few_runs)))
}

/// Returns the peak of allocated bytes, the bytes that the runs occupy, and the number of runs.
fn measure_alone(pages: &Pages) -> anyhow::Result<[f64; 3]> {
    let output = Command::new(helper::path("bench-isolated")?)
        .args(["working-set", &pages.id().to_string()])
        .output()?;
    ensure!(output.status.success(), "bench-isolated failed: {output:?}");
    let text = String::from_utf8(output.stdout)?;
    let numbers: Result<Vec<f64>, _> = text.lines().map(str::parse).collect();
    let numbers = numbers?.try_into();
    numbers.map_err(|_| anyhow::anyhow!("bench-isolated printed {text:?}"))
}

/// Queries a million random addresses.
pub fn query(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let pages = Pages::start("small", 4 * GIB)?;
    let process = pages.process()?;
    let mut state = 1u64;
    let addresses: Vec<u64> = (0..1_000_000)
        .map(|_| {
            // The generator of Knuth's MMIX, whose upper bits are random enough.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            pages.start + (state >> 20) % pages.size
        })
        .collect();
    let pages_found = process.query_pages(&addresses)?;
    ensure!(
        pages_found
            .iter()
            .map(|page| page.address)
            .eq(addresses.iter().copied())
    );
    let resident = PageAttributes::RESIDENT;
    ensure!(
        pages_found
            .iter()
            .all(|page| page.attributes.contains(resident))
    );
    drop(pages_found);
    medians(
        7,
        vec![
            Candidate::inside("psapi", || {
                black_box(process.query_pages(&addresses)?);
                Ok(())
            }),
            Candidate::inside("pread", || {
                black_box(pagemap::one_by_one(pages.id(), &addresses)?);
                Ok(())
            }),
        ],
    )
}
