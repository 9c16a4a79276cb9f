//! Compares the recorded faults with the kernel's own fault counters of the process.
//!
//! The counters cannot be read at an exact time. They are read between two readings of the clock
//! that stamps the records. A fault that was recorded between these two readings might or might not
//! be in the counters. The same is true of the next fault of each thread: the kernel increments the
//! counter first and stamps the record afterwards. All these faults count as *doubtful*.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use psapi::{FaultCount, Fields, Process, ProcessId, ProcessState, ProcessStatus, WorkingSetWatch};

use super::{Fault, take_faults};
use crate::sys::monotonic_ns;

/// The time within which the kernel stamps the record of a counted fault, even if the thread or its
/// virtual CPU is preempted in between.
const STAMP_DELAY: Duration = Duration::from_millis(10);

/// Like [`STAMP_DELAY`], for a process that was not running when its counters were read.
const STAMP_DELAY_AT_REST: Duration = Duration::from_micros(50);

/// The kernel's fault counters at the beginning of a watch and at its end.
#[derive(Debug)]
pub struct KernelCount {
    process: ProcessId,
    before: Option<FaultCount>,
    after: Option<FaultCount>,
    /// The first reading. Only later faults belong to the watch.
    begin: Reading,
    /// Number of faults that might or might not be in the difference of the two counters.
    doubtful: u64,
}

/// The time of a reading of the counters, in nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Debug)]
struct Reading {
    /// The clock before and after the counters were read.
    span: RangeInclusive<u64>,
    /// The time by which every counted fault has been stamped.
    stamped: u64,
}

/// The kernel's count next to the number of recorded and lost faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountCheck {
    /// The possible count that is closest to the number of recorded and lost faults.
    pub counted: u64,
    /// Number of counted faults that were neither recorded nor lost.
    pub unrecorded: u64,
    /// The largest number by which the true count can be below the difference of the counters.
    pub doubtful: u64,
}

impl KernelCount {
    /// Reads the counters for the first time.
    ///
    /// Discards the faults that were recorded before. Leaves the first faults of the watch in
    /// `faults`.
    pub fn begin(
        process: &Process,
        watch: &mut WorkingSetWatch,
        faults: &mut Vec<Fault>,
    ) -> Result<Self> {
        take_faults(watch, faults)?;
        let (before, begin) = read_counters(process);
        // A lost fault has no time, so it might have happened before or after the reading.
        let doubtful = take_faults(watch, faults)?;
        let mut count = KernelCount {
            process: process.id(),
            before,
            after: None,
            begin,
            doubtful,
        };
        count.remove_earlier(faults);
        count.doubtful += count.doubtful_in(faults, &count.begin);
        Ok(count)
    }

    /// Returns the start of the watch in nanoseconds of `CLOCK_MONOTONIC`.
    pub fn begin_ns(&self) -> u64 {
        *self.begin.span.end()
    }

    /// Removes faults that happened before the watch began: records can be delivered late.
    pub fn remove_earlier(&mut self, faults: &mut Vec<Fault>) {
        let first = faults.partition_point(|fault| fault.time <= *self.begin.span.end());
        self.doubtful += self.doubtful_in(&faults[..first], &self.begin);
        faults.drain(..first);
    }

    /// Reads the counters again, and fetches the faults up to that time. Returns the number of lost
    /// faults.
    pub fn end(
        &mut self,
        process: &Process,
        watch: &mut WorkingSetWatch,
        faults: &mut Vec<Fault>,
    ) -> Result<u64> {
        let has_ended = watch.has_ended()?;
        let lost = take_faults(watch, faults)?;
        let (after, end) = read_counters(process);
        self.after = after;
        // Fetch twice: a CPU that was about to count a lost fault has counted it by the second
        // fetch.
        let mut late = Vec::new();
        let mut late_losses = 0;
        for _ in 0..2 {
            late_losses += take_faults(watch, &mut late)?;
            faults.append(&mut late);
        }
        self.remove_earlier(faults);
        if has_ended {
            // The counters are final, so every fault is in them.
            return Ok(lost + late_losses);
        }
        let first = faults.partition_point(|fault| fault.time < *end.span.start());
        self.doubtful += late_losses + self.doubtful_in(&faults[first..], &end);
        faults.truncate(first);
        Ok(lost)
    }

    /// Returns the number of doubtful faults of the process. `faults` is sorted by time.
    fn doubtful_in(&self, faults: &[Fault], reading: &Reading) -> u64 {
        let own = faults.iter().filter(|fault| fault.process == self.process);
        reading.count_doubtful(own.map(|fault| (fault.thread, fault.time)))
    }

    /// Compares the counters with the number of recorded and lost faults.
    pub fn check(&self, delivered: u64) -> Option<CountCheck> {
        let (before, after) = (self.before?, self.after?);
        let difference = after.total().checked_sub(before.total())?;
        Some(check(difference, self.doubtful, delivered))
    }
}

fn check(difference: u64, doubtful: u64, delivered: u64) -> CountCheck {
    let counted = delivered.clamp(difference.saturating_sub(doubtful), difference);
    CountCheck {
        counted,
        unrecorded: counted.saturating_sub(delivered),
        doubtful,
    }
}

impl Reading {
    /// Returns the number of doubtful faults. `faults` has the thread and the time of each fault.
    fn count_doubtful(&self, faults: impl Iterator<Item = (u32, u64)>) -> u64 {
        let mut threads = BTreeSet::new();
        let is_doubtful = |&(thread, time): &(u32, u64)| {
            // Recorded during the reading, or the thread's first record after it.
            self.span.contains(&time)
                || (self.span.end() + 1..=self.stamped).contains(&time) && threads.insert(thread)
        };
        faults.filter(is_doubtful).count() as u64
    }
}

/// Reads the kernel's counters and waits until every fault in them has been stamped.
fn read_counters(process: &Process) -> (Option<FaultCount>, Reading) {
    let from = monotonic_ns();
    let status = process.status(Fields::STAT).ok();
    let until = monotonic_ns();
    let is_at_rest = status.as_ref().is_some_and(is_at_rest);
    let delay = if is_at_rest {
        STAMP_DELAY_AT_REST
    } else {
        STAMP_DELAY
    };
    thread::sleep(delay);
    let reading = Reading {
        span: from..=until,
        stamped: until + delay.as_nanos() as u64,
    };
    (status.and_then(|status| status.faults), reading)
}

/// Returns true if the process cannot have been in a fault: its only thread was asleep.
///
/// The state of a process is the state of its group leader, so more threads prove nothing.
fn is_at_rest(status: &ProcessStatus) -> bool {
    status.threads == Some(1)
        && !matches!(
            status.state,
            Some(ProcessState::Running | ProcessState::DiskSleep) | None
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(counted: u64, unrecorded: u64, doubtful: u64) -> CountCheck {
        CountCheck {
            counted,
            unrecorded,
            doubtful,
        }
    }

    #[test]
    fn check_is_exact_without_doubt() {
        assert_eq!(check(370, 0, 370), result(370, 0, 0));
        assert_eq!(check(370, 0, 270), result(370, 100, 0));
        assert_eq!(check(0, 0, 0), result(0, 0, 0));
    }

    #[test]
    fn doubtful_faults_are_not_unrecorded() {
        assert_eq!(check(100, 12, 95), result(95, 0, 12));
        assert_eq!(check(100, 12, 88), result(88, 0, 12));
        assert_eq!(check(100, 12, 80), result(88, 8, 12));
        assert_eq!(check(5, 12, 0), result(0, 0, 12));
    }

    #[test]
    fn next_fault_of_thread_is_doubtful() {
        let reading = Reading {
            span: 100..=120,
            stamped: 200,
        };
        let count = |faults: &[(u32, u64)]| reading.count_doubtful(faults.iter().copied());
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[(1, 99), (1, 100), (1, 110), (1, 120)]), 3);
        assert_eq!(
            count(&[(1, 121), (1, 122), (2, 122), (2, 130), (3, 201)]),
            2
        );
        assert_eq!(count(&[(1, 110), (1, 130), (1, 140), (2, 110)]), 3);
    }

    #[test]
    fn check_never_exceeds_the_counters() {
        assert_eq!(check(100, 12, 103), result(100, 0, 12));
    }
}
