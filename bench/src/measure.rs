//! Measures CPU time of candidates that take turns.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// Returns the user and system CPU time of this process so far.
fn own_time() -> Duration {
    time(UsageWho::RUSAGE_SELF)
}

/// Returns the CPU time of all children that were waited for.
fn children_time() -> Duration {
    time(UsageWho::RUSAGE_CHILDREN)
}

fn time(whose: UsageWho) -> Duration {
    let Ok(usage) = getrusage(whose) else {
        unreachable!("getrusage fails only for invalid arguments");
    };
    let (user, system) = (usage.user_time(), usage.system_time());
    Duration::new((user.tv_sec() + system.tv_sec()) as u64, 0)
        + Duration::from_micros((user.tv_usec() + system.tv_usec()) as u64)
}

/// One way to do a task.
pub struct Candidate<'a> {
    pub name: &'static str,
    whose: fn() -> Duration,
    run: Box<dyn FnMut() -> anyhow::Result<()> + 'a>,
}

impl<'a> Candidate<'a> {
    /// Creates a candidate that does the task in this process.
    pub fn inside(
        name: &'static str,
        run: impl FnMut() -> anyhow::Result<()> + 'a,
    ) -> Candidate<'a> {
        Candidate {
            name,
            whose: own_time,
            run: Box::new(run),
        }
    }

    /// Creates a candidate that does the task in a child and waits for it.
    pub fn child(
        name: &'static str,
        run: impl FnMut() -> anyhow::Result<()> + 'a,
    ) -> Candidate<'a> {
        Candidate {
            name,
            whose: children_time,
            run: Box::new(run),
        }
    }
}

/// The result of a candidate: seconds, bytes or a count, depending on the workload.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// The name of the candidate.
    pub name: &'static str,
    pub value: f64,
}

impl Figure {
    /// A figure of this library, for workloads without other candidates.
    pub fn of_psapi(value: f64) -> Vec<Self> {
        vec![Figure {
            name: "psapi",
            value,
        }]
    }
}

/// Measures the median CPU time of each candidate, in seconds.
///
/// The candidates take turns, so that other load on the machine and its temperature affect all of
/// them equally. In its turn a candidate runs twice, and only the second run counts. Its processor
/// caches are then filled by the candidate itself rather than by the previous one.
pub fn medians(turns: usize, mut candidates: Vec<Candidate<'_>>) -> anyhow::Result<Vec<Figure>> {
    let mut times = vec![Vec::with_capacity(turns); candidates.len()];
    for _ in 0..turns {
        for (candidate, times) in candidates.iter_mut().zip(&mut times) {
            (candidate.run)()?;
            let before = (candidate.whose)();
            (candidate.run)()?;
            times.push((candidate.whose)() - before);
        }
    }
    Ok(candidates
        .iter()
        .zip(times)
        .map(|(candidate, times)| Figure {
            name: candidate.name,
            value: median(times).as_secs_f64(),
        })
        .collect())
}

/// Returns the median of some times.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let (upper, lower) = (times.len() / 2, (times.len().max(1) - 1) / 2);
    (times[lower] + times[upper]) / 2
}
