//! CPU time, and how the contestants take turns.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// CPU time of this process so far, user and system.
fn own_time() -> Duration {
    time(UsageWho::RUSAGE_SELF)
}

/// CPU time of all children that have ended and been waited for.
fn children_time() -> Duration {
    time(UsageWho::RUSAGE_CHILDREN)
}

fn time(whose: UsageWho) -> Duration {
    let Ok(usage) = getrusage(whose) else {
        unreachable!("both kinds exist, and the answer is on our stack");
    };
    let (user, system) = (usage.user_time(), usage.system_time());
    Duration::new((user.tv_sec() + system.tv_sec()) as u64, 0)
        + Duration::from_micros((user.tv_usec() + system.tv_usec()) as u64)
}

/// Something that does a task in its own way.
pub struct Contestant<'a> {
    pub name: &'static str,
    whose: fn() -> Duration,
    run: Box<dyn FnMut() -> anyhow::Result<()> + 'a>,
}

impl<'a> Contestant<'a> {
    /// One that does it in this process.
    pub fn inside(
        name: &'static str,
        run: impl FnMut() -> anyhow::Result<()> + 'a,
    ) -> Contestant<'a> {
        Contestant {
            name,
            whose: own_time,
            run: Box::new(run),
        }
    }

    /// One that does it in a child that it waits for.
    pub fn child(
        name: &'static str,
        run: impl FnMut() -> anyhow::Result<()> + 'a,
    ) -> Contestant<'a> {
        Contestant {
            name,
            whose: children_time,
            run: Box::new(run),
        }
    }
}

/// What a contestant came to: seconds, bytes or a count, as the workload has it.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    pub of: &'static str,
    pub value: f64,
}

/// The median CPU time of each, in seconds. They take turns, so that whatever else the machine
/// does, and however warm it is, meets all alike. In its turn each runs twice, and the second time
/// counts: what it finds in the processor's caches is its own then, and not the legacy of who came
/// before it.
pub fn medians(turns: usize, mut contestants: Vec<Contestant<'_>>) -> anyhow::Result<Vec<Figure>> {
    let mut times = vec![Vec::with_capacity(turns); contestants.len()];
    for _ in 0..turns {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            (contestant.run)()?;
            let before = (contestant.whose)();
            (contestant.run)()?;
            times.push((contestant.whose)() - before);
        }
    }
    Ok(contestants
        .iter()
        .zip(times)
        .map(|(contestant, times)| Figure {
            of: contestant.name,
            value: median(times).as_secs_f64(),
        })
        .collect())
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let (upper, lower) = (times.len() / 2, (times.len().max(1) - 1) / 2);
    (times[lower] + times[upper]) / 2
}
