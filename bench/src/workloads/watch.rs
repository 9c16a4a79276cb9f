//! Watches page faults: the cost for the watched process, and whether all faults are reported.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use psapi::WorkingSetWatch;

use crate::baselines::perf_event::EmptyRecords;
use crate::fault_load::{FaultLoad, Threads};
use crate::fixtures::Fixtures;
use crate::measure::{Figure, median};

/// The number of bytes that the program touches page by page.
const BYTES: usize = 1 << 30;

const TURNS: usize = 11;

const THREADS: usize = 64;

/// Measures how long a program takes by its own clock. In turn, it is unwatched, watched, and
/// its faults are recorded without any field.
pub fn overhead(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let mut load = FaultLoad::start(0)?;
    let (mut watched, mut alone, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.push(load.touch(Threads::Main, BYTES)?);
        let watch = load.process.watch_working_set()?;
        watched.push(while_reading(watch, || load.touch(Threads::Main, BYTES))?.0);
        let records = EmptyRecords::start(load.process.id().get(), BYTES / 4096)?;
        counted.push(load.touch(Threads::Main, BYTES)?);
        drop(records);
    }
    let [watched, alone, counted] =
        [watched, alone, counted].map(|times| median(times).as_secs_f64());
    let figure = |name, value| Figure { name, value };
    Ok(vec![
        figure("psapi", watched),
        figure("unwatched", alone),
        figure("empty record", (counted - alone) / (BYTES / 4096) as f64),
    ])
}

/// Counts the faults that are lost with the default buffer, in all turns together.
pub fn lost(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let mut load = FaultLoad::start(0)?;
    let mut lost = 0;
    for _ in 0..TURNS {
        let watch = load.process.watch_working_set()?;
        lost += while_reading(watch, || load.touch(Threads::Main, BYTES))?
            .1
            .lost;
    }
    Ok(count(lost))
}

/// Counts unreported faults if the reader reads only after the program has finished.
pub fn stopped(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    let mut load = FaultLoad::start(0)?;
    let mut watch = load.process.watch_working_set()?;
    let before = load.faults()?;
    load.touch(Threads::Main, BYTES)?;
    let mut reported = Reported::default();
    reported.read(&mut watch)?;
    anyhow::ensure!(
        reported.lost > 0,
        "the buffer was large enough for all faults"
    );
    Ok(reported.missing(load.faults()? - before))
}

/// Counts unreported faults of threads that exist when the watch begins.
pub fn threads(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    account(Threads::Existing)
}

/// Counts unreported faults of threads that start during the watch.
pub fn later(_: &Fixtures) -> anyhow::Result<Vec<Figure>> {
    account(Threads::New)
}

fn account(threads: Threads) -> anyhow::Result<Vec<Figure>> {
    let mut load = FaultLoad::start(THREADS)?;
    let watch = load.process.watch_working_set()?;
    let before = load.faults()?;
    let (_, reported) = while_reading(watch, || load.touch(threads, BYTES / THREADS))?;
    anyhow::ensure!(reported.delivered > 0, "the watch delivered no faults");
    Ok(reported.missing(load.faults()? - before))
}

/// The faults that a watch reported.
#[derive(Default)]
struct Reported {
    faults: Vec<psapi::PageFault>,
    delivered: u64,
    lost: u64,
}

impl Reported {
    fn read(&mut self, watch: &mut WorkingSetWatch) -> psapi::Result<()> {
        self.lost += watch.changes_into(&mut self.faults)?;
        self.delivered += self.faults.len() as u64;
        Ok(())
    }

    /// Returns the difference between the kernel's count and the delivered and lost faults.
    fn missing(&self, counted: u64) -> Vec<Figure> {
        count(counted.abs_diff(self.delivered + self.lost))
    }
}

fn count(value: u64) -> Vec<Figure> {
    Figure::of_psapi(value as f64)
}

/// Calls `run` while another thread reads the watch. The thread reads once more afterwards.
fn while_reading<T>(
    mut watch: WorkingSetWatch,
    run: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Reported)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reported = Reported::default();
            loop {
                let last = done.load(Ordering::Acquire);
                reported.read(&mut watch)?;
                if last {
                    return Ok(reported);
                }
                watch.wait(Some(Duration::from_millis(100)))?;
            }
        });
        let result = run();
        done.store(true, Ordering::Release);
        let reported: psapi::Result<Reported> = reader
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((result?, reported?))
    })
}
