//! `--interval` and `--count`: repeated samples.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::sys;
use crate::usage::usage;

/// Options for repeated samples.
#[derive(Debug, Args)]
pub struct Repeat {
    /// Repeat every SECONDS, fractions allowed; a terminal shows the samples in place
    #[arg(long, short = 'i', value_name = "SECONDS", value_parser = seconds)]
    pub interval: Option<Duration>,
    /// Stop after N samples
    #[arg(long, value_name = "N", requires = "interval", value_parser = count)]
    count: Option<u64>,
}

const MIN_INTERVAL: Duration = Duration::from_millis(10);
/// About 30 years, which can be added to an `Instant` without overflow.
const MAX_INTERVAL: Duration = Duration::from_secs(1_000_000_000);

/// Parses an interval in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(interval) if (MIN_INTERVAL..=MAX_INTERVAL).contains(&interval) => Ok(interval),
        _ => Err("expected at least 0.01 and at most 1000000000 seconds".to_owned()),
    }
}

fn count(text: &str) -> Result<u64, &'static str> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or("expected a number of samples, at least 1")
}

impl Repeat {
    /// Calls `sample` as often as the options require. Its argument is the time since boot if
    /// samples are repeated. It returns false if nothing remains to be sampled, which ends the
    /// repetition.
    pub fn run(&self, mut sample: impl FnMut(Option<Duration>) -> Result<bool>) -> Result<()> {
        match self.interval {
            Some(interval) => self.repeat(Instant::now(), interval, sample),
            None => sample(None).map(drop),
        }
    }

    /// Like [`run`](Self::run) with an interval, for callers that compare samples and have already
    /// taken the first one: waits for one interval first.
    pub fn run_later(
        &self,
        interval: Duration,
        sample: impl FnMut(Option<Duration>) -> Result<bool>,
    ) -> Result<()> {
        thread::sleep(interval);
        self.repeat(Instant::now(), interval, sample)
    }

    fn repeat(
        &self,
        mut due: Instant,
        interval: Duration,
        mut sample: impl FnMut(Option<Duration>) -> Result<bool>,
    ) -> Result<()> {
        // Samples stay on a grid of intervals, regardless of how long each takes.
        let mut remaining = self.count;
        loop {
            let more = sample(Some(sys::since_boot()))?;
            remaining = remaining.map(|remaining| remaining - 1);
            if !more || remaining == Some(0) {
                return Ok(());
            }
            due = (due + interval).max(Instant::now());
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    /// Returns an error if the options were given before a subcommand.
    pub fn refuse_before_subcommand(&self) -> Result<()> {
        match self.interval {
            Some(_) => Err(usage("--interval must come after the subcommand")),
            None => Ok(()),
        }
    }
}
