//! `--interval` and `--count`: asking again and again.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use crate::cli::usage;
use crate::clock;

/// How often to ask.
#[derive(Debug, Args)]
pub struct Repeat {
    /// Ask again every SECONDS (fractions allowed); a terminal shows the answers in place
    #[arg(long, short = 'i', value_name = "SECONDS", value_parser = seconds)]
    pub interval: Option<Duration>,
    /// Stop after N answers
    #[arg(long, value_name = "N", requires = "interval", value_parser = count)]
    count: Option<u64>,
}

const SHORTEST: Duration = Duration::from_millis(10);
/// Some 30 years: a moment can be moved on by that.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(interval) if (SHORTEST..=LONGEST).contains(&interval) => Ok(interval),
        _ => Err("must be at least 0.01 and at most 1000000000".to_owned()),
    }
}

fn count(text: &str) -> Result<u64, &'static str> {
    let count = text.parse().ok().filter(|&count| count > 0);
    count.ok_or("a count is a number of answers, at least 1")
}

impl Repeat {
    /// Asks as often as the options say. `ask` is told when, as the time since boot, if it is one
    /// of several times, and answers whether there is anything left to ask about.
    pub fn run(&self, mut ask: impl FnMut(Option<Duration>) -> Result<bool>) -> Result<()> {
        match self.interval {
            Some(interval) => self.go_on(Instant::now(), interval, ask),
            None => ask(None).map(drop),
        }
    }

    /// As [`run`](Self::run) with an interval, for who compares: the first answer is due once the
    /// first interval is over.
    pub fn run_later(
        &self,
        interval: Duration,
        ask: impl FnMut(Option<Duration>) -> Result<bool>,
    ) -> Result<()> {
        thread::sleep(interval);
        self.go_on(Instant::now(), interval, ask)
    }

    fn go_on(
        &self,
        mut due: Instant,
        interval: Duration,
        mut ask: impl FnMut(Option<Duration>) -> Result<bool>,
    ) -> Result<()> {
        // Answers keep to a grid, however long each takes.
        let mut left = self.count;
        loop {
            let more = ask(Some(clock::since_boot()))?;
            left = left.map(|left| left - 1);
            if !more || left == Some(0) {
                return Ok(());
            }
            due = (due + interval).max(Instant::now());
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    /// Refuses the options where they were given before a subcommand.
    pub fn refuse_before_subcommand(&self) -> Result<()> {
        match self.interval {
            Some(_) => Err(usage("--interval belongs behind the subcommand")),
            None => Ok(()),
        }
    }
}
