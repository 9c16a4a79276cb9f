//! Page faults as they happen: what watching them costs the process, and whether all are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use psapi::WorkingSetWatch;

use super::Stage;
use crate::measure::{Figure, median};
use crate::toucher::{Toucher, Who};

/// What the program touches, page by page.
const BYTES: usize = 1 << 30;

const TURNS: usize = 11;

const THREADS: usize = 64;

/// The same program, watched and not, in turns; the time is its own.
pub fn overhead(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let mut toucher = Toucher::start(0)?;
    let (mut watched, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.push(toucher.touch(Who::First, BYTES)?);
        let watch = toucher.process.watch_working_set()?;
        watched.push(while_reading(watch, || toucher.touch(Who::First, BYTES))?.0);
    }
    let figure = |of, times| Figure {
        of,
        value: median(times).as_secs_f64(),
    };
    Ok(vec![figure("psapi", watched), figure("unwatched", alone)])
}

/// What is lost with the default buffer, of all turns together.
pub fn lost(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let mut toucher = Toucher::start(0)?;
    let mut lost = 0;
    for _ in 0..TURNS {
        let watch = toucher.process.watch_working_set()?;
        lost += while_reading(watch, || toucher.touch(Who::First, BYTES))?
            .1
            .lost;
    }
    Ok(count(lost))
}

/// A reader that does not read before the program is done.
pub fn stopped(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    let mut toucher = Toucher::start(0)?;
    let mut watch = toucher.process.watch_working_set()?;
    let before = toucher.faults()?;
    toucher.touch(Who::First, BYTES)?;
    let mut told = Told::default();
    told.read(&mut watch)?;
    anyhow::ensure!(told.lost > 0, "the buffer held it all");
    Ok(told.missing(toucher.faults()? - before))
}

/// Threads that are there when the watch begins.
pub fn threads(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    account(Who::All)
}

/// Threads that start during the watch.
pub fn later(_: &Stage) -> anyhow::Result<Vec<Figure>> {
    account(Who::New)
}

fn account(who: Who) -> anyhow::Result<Vec<Figure>> {
    let mut toucher = Toucher::start(THREADS)?;
    let watch = toucher.process.watch_working_set()?;
    let before = toucher.faults()?;
    let (_, told) = while_reading(watch, || toucher.touch(who, BYTES / THREADS))?;
    anyhow::ensure!(told.delivered > 0, "nothing was delivered");
    Ok(told.missing(toucher.faults()? - before))
}

/// What a watch told.
#[derive(Default)]
struct Told {
    faults: Vec<psapi::PageFault>,
    delivered: u64,
    lost: u64,
}

impl Told {
    fn read(&mut self, watch: &mut WorkingSetWatch) -> psapi::Result<()> {
        self.lost += watch.changes_into(&mut self.faults)?;
        self.delivered += self.faults.len() as u64;
        Ok(())
    }

    /// How many are neither delivered nor lost, or too many.
    fn missing(&self, counted: u64) -> Vec<Figure> {
        count(counted.abs_diff(self.delivered + self.lost))
    }
}

fn count(value: u64) -> Vec<Figure> {
    vec![Figure {
        of: "psapi",
        value: value as f64,
    }]
}

/// Does something while another thread reads the watch; it does so once more afterwards.
fn while_reading<T>(
    mut watch: WorkingSetWatch,
    run: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Told)> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut told = Told::default();
            loop {
                let last = done.load(Ordering::Acquire);
                told.read(&mut watch)?;
                if last {
                    return Ok(told);
                }
                watch.wait(Some(Duration::from_millis(100)))?;
            }
        });
        let result = run();
        done.store(true, Ordering::Release);
        let told: psapi::Result<Told> = reader
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((result?, told?))
    })
}
