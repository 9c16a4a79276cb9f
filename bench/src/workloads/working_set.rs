//! Working sets: whole ones, their share counts, their size, and single pages.

use std::hint::black_box;
use std::ops::Range;
use std::process::Command;

use anyhow::{Context, ensure};
use psapi::{PageAttributes, Process, ShareCount};

use super::Stage;
use crate::contestants::pagemap;
use crate::helper;
use crate::measure::{Contestant, Figure, medians};
use crate::pages::{self, Pages};

const GIB: u64 = 1 << 30;

/// 4 GiB of small private pages.
pub fn small(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    whole(&Pages::start("small", 4 * GIB)?, 21, 1)
}

/// 4 GiB of huge private pages: a scan is too short to be measured.
pub fn huge(_: &Stage) -> anyhow::Result<Vec<Figure>> {
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
            Contestant::inside("psapi", || {
                for _ in 0..times {
                    black_box(process.working_set()?);
                }
                Ok(())
            }),
            Contestant::inside("scan", || {
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

/// 1 GiB that four processes share.
pub fn shared(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let sharing = pages::shared(4, GIB)?;
    let first = sharing.first().context("there are four")?;
    let (process, range) = (first.process()?, first.start..first.start + GIB);
    let four = [(4, GIB / 4096)].into();
    ensure!(pagemap::counts_in_bulk(first.id(), &range)? == four);
    ensure!(pagemap::counts_one_by_one(first.id(), &range)? == four);
    let set = process.working_set()?;
    let mut runs = set
        .runs()
        .filter(|run| run.start >= range.start && run.end <= range.end);
    ensure!(runs.all(|run| run.shares == Some(ShareCount::Exactly(4))));
    medians(
        7,
        vec![
            Contestant::inside("psapi", || {
                black_box(process.working_set()?);
                Ok(())
            }),
            Contestant::inside("pages", || {
                black_box(pagemap::counts_one_by_one(first.id(), &range)?);
                Ok(())
            }),
            Contestant::inside("bulk", || {
                black_box(pagemap::counts_in_bulk(first.id(), &range)?);
                Ok(())
            }),
        ],
    )
}

/// The most memory that taking the working set of 4 GiB in one mapping needs.
pub fn room(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let [peak, ..] = subject(&Pages::start("small", 4 * GIB)?)?;
    Ok(alone(peak))
}

/// What a run takes where every other page is in memory: what so many runs more keep.
pub fn room_of_a_run(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let [_, kept_by_few, few] = subject(&Pages::start("small", GIB)?)?;
    let [_, kept, runs] = subject(&Pages::start("alternate", GIB)?)?;
    ensure!(runs - few >= (GIB / 8192) as f64 * 0.99, "only {runs} runs");
    Ok(alone((kept - kept_by_few) / (runs - few)))
}

fn alone(value: f64) -> Vec<Figure> {
    vec![Figure { of: "psapi", value }]
}

/// Bytes at the most, bytes of the runs that are kept, and how many runs these are.
fn subject(pages: &Pages) -> anyhow::Result<[f64; 3]> {
    let output = Command::new(helper::path("bench-subject")?)
        .args(["working-set", &pages.id().to_string()])
        .output()?;
    ensure!(output.status.success(), "the subject failed: {output:?}");
    let text = String::from_utf8(output.stdout)?;
    let numbers: Result<Vec<f64>, _> = text.lines().map(str::parse).collect();
    let numbers = numbers?.try_into();
    numbers.map_err(|_| anyhow::anyhow!("the subject said {text:?}"))
}

/// A million addresses in no order.
pub fn query(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let pages = Pages::start("small", 4 * GIB)?;
    let process = pages.process()?;
    let mut state = 1u64;
    let addresses: Vec<u64> = (0..1_000_000)
        .map(|_| {
            // The generator of Knuth's MMIX: its upper bits are as good as random.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            pages.start + (state >> 20) % pages.size
        })
        .collect();
    let answers = process.query_pages(&addresses)?;
    let here = |&address: &u64| address;
    ensure!(
        answers
            .iter()
            .map(|page| page.address)
            .eq(addresses.iter().map(here))
    );
    let resident = PageAttributes::RESIDENT;
    ensure!(
        answers
            .iter()
            .all(|page| page.attributes.contains(resident))
    );
    drop(answers);
    medians(
        7,
        vec![
            Contestant::inside("psapi", || {
                black_box(process.query_pages(&addresses)?);
                Ok(())
            }),
            Contestant::inside("pread", || {
                black_box(pagemap::one_by_one(pages.id(), &addresses)?);
                Ok(())
            }),
        ],
    )
}
