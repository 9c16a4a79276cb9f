//! The kernel's own count of a process's faults, beside what was recorded of them.
//!
//! The count can't be read at a moment that is known: it is read between two readings of the clock
//! that the records are stamped by. What was recorded between these two may be in the count or not.
//! So may the next record of each thread: the kernel counts a fault, then stamps its record.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use psapi::{
    FaultCount, Fields, PageFault, Process, ProcessId, ProcessState, ProcessStatus, WorkingSetWatch,
};

use super::monotonic;

/// Time enough to stamp the record of a fault that was counted, also where the thread, or its whole
/// virtual processor, has to wait for its turn in between.
const UNTIL_STAMPED: Duration = Duration::from_millis(10);

/// The same for a process that was not at work when it was asked.
const AT_REST: Duration = Duration::from_micros(50);

/// The count at the beginning of a watch and at its end.
#[derive(Debug)]
pub struct Counted {
    id: ProcessId,
    before: Option<FaultCount>,
    after: Option<FaultCount>,
    /// When the first count was read. What happened later is watched.
    begin: Moment,
    /// Faults of which it is not known whether they are in the difference of the two counts.
    doubtful: u64,
}

/// When a count was read, in nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Debug)]
struct Moment {
    reading: RangeInclusive<u64>,
    /// Until when what it has is stamped.
    stamped: u64,
}

/// The kernel's count, as far as records tell what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// Of the possible counts, the one that is next to what was recorded and lost.
    pub counted: u64,
    /// What it has beyond these.
    pub unrecorded: u64,
    /// How much less than the difference of the counts the possible ones may be.
    pub doubtful: u64,
}

impl Counted {
    /// Reads the first count. What was recorded until then is thrown away; `faults` then holds what
    /// came right afterwards.
    pub fn begin(
        process: &Process,
        watch: &mut WorkingSetWatch,
        faults: &mut Vec<PageFault>,
    ) -> Result<Self> {
        watch.changes_into(faults)?;
        let (before, begin) = read(process);
        // Losses have no time.
        let doubtful = watch.changes_into(faults)?;
        let mut counted = Counted {
            id: process.id(),
            before,
            after: None,
            begin,
            doubtful,
        };
        counted.leave_out_earlier(faults);
        counted.doubtful += counted.in_doubt(faults, &counted.begin);
        Ok(counted)
    }

    /// When the watch began.
    pub fn begin_ns(&self) -> u64 {
        *self.begin.reading.end()
    }

    /// Takes away what happened before the watch began: records may come a moment late.
    pub fn leave_out_earlier(&mut self, faults: &mut Vec<PageFault>) {
        let first = faults.partition_point(|fault| fault.time <= *self.begin.reading.end());
        self.doubtful += self.in_doubt(&faults[..first], &self.begin);
        faults.drain(..first);
    }

    /// Reads the last count, and fetches what was recorded until then. Answers how many were lost.
    pub fn end(
        &mut self,
        process: &Process,
        watch: &mut WorkingSetWatch,
        faults: &mut Vec<PageFault>,
    ) -> Result<u64> {
        let has_ended = watch.has_ended()?;
        let lost = watch.changes_into(faults)?;
        let (after, end) = read(process);
        self.after = after;
        // Twice: then a processor that was about to count a loss has done so.
        let mut late = Vec::new();
        let mut doubtful = 0;
        for _ in 0..2 {
            doubtful += watch.changes_into(&mut late)?;
            faults.append(&mut late);
        }
        self.leave_out_earlier(faults);
        if has_ended {
            return Ok(lost + doubtful);
        }
        let first = faults.partition_point(|fault| fault.time < *end.reading.start());
        self.doubtful += doubtful + self.in_doubt(&faults[first..], &end);
        faults.truncate(first);
        Ok(lost)
    }

    /// How many of some faults, by ascending time, may be in a count or not.
    fn in_doubt(&self, faults: &[PageFault], moment: &Moment) -> u64 {
        let own = faults.iter().filter(|fault| fault.process == self.id);
        moment.doubts(own.map(|fault| (fault.thread, fault.time)))
    }

    /// Compares what the kernel counted with so many that were recorded or lost.
    pub fn compare(&self, told: u64) -> Option<Compared> {
        let (before, after) = (self.before?, self.after?);
        Some(compare(
            after.total().checked_sub(before.total())?,
            self.doubtful,
            told,
        ))
    }
}

fn compare(difference: u64, doubtful: u64, told: u64) -> Compared {
    let counted = told.clamp(difference.saturating_sub(doubtful), difference);
    Compared {
        counted,
        unrecorded: counted.saturating_sub(told),
        doubtful,
    }
}

impl Moment {
    /// Of faults of some threads at some times, how many may be in the count or not.
    fn doubts(&self, faults: impl Iterator<Item = (u32, u64)>) -> u64 {
        let mut threads = BTreeSet::new();
        let is_one = |&(thread, time): &(u32, u64)| {
            self.reading.contains(&time)
                || (self.reading.end() + 1..=self.stamped).contains(&time) && threads.insert(thread)
        };
        faults.filter(is_one).count() as u64
    }
}

/// Reads the kernel's count, and when that was. All that may be of then is recorded by now.
fn read(process: &Process) -> (Option<FaultCount>, Moment) {
    let from = monotonic();
    let status = process.status(Fields::STAT).ok();
    let until = monotonic();
    let is_at_rest = status.as_ref().is_some_and(is_at_rest);
    let stamped = if is_at_rest { AT_REST } else { UNTIL_STAMPED };
    thread::sleep(stamped);
    let moment = Moment {
        reading: from..=until,
        stamped: until + stamped.as_nanos() as u64,
    };
    (status.and_then(|status| status.faults), moment)
}

/// Whether the process was taking no fault: its state is that of its first thread.
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

    fn compared(counted: u64, unrecorded: u64, doubtful: u64) -> Compared {
        Compared {
            counted,
            unrecorded,
            doubtful,
        }
    }

    #[test]
    fn of_a_process_at_rest_the_count_is_exact() {
        assert_eq!(compare(370, 0, 370), compared(370, 0, 0));
        assert_eq!(compare(370, 0, 270), compared(370, 100, 0));
        assert_eq!(compare(0, 0, 0), compared(0, 0, 0));
    }

    #[test]
    fn only_what_is_beyond_doubt_is_unrecorded() {
        assert_eq!(compare(100, 12, 95), compared(95, 0, 12));
        assert_eq!(compare(100, 12, 88), compared(88, 0, 12));
        assert_eq!(compare(100, 12, 80), compared(88, 8, 12));
        assert_eq!(compare(5, 12, 0), compared(0, 0, 12));
    }

    #[test]
    fn the_next_fault_of_each_thread_is_in_doubt_too() {
        let moment = Moment {
            reading: 100..=120,
            stamped: 200,
        };
        let doubts = |faults: &[(u32, u64)]| moment.doubts(faults.iter().copied());
        assert_eq!(doubts(&[]), 0);
        assert_eq!(doubts(&[(1, 99), (1, 100), (1, 110), (1, 120)]), 3);
        assert_eq!(
            doubts(&[(1, 121), (1, 122), (2, 122), (2, 130), (3, 201)]),
            2
        );
        assert_eq!(doubts(&[(1, 110), (1, 130), (1, 140), (2, 110)]), 3);
    }

    #[test]
    fn more_records_than_faults_are_shown_as_such() {
        assert_eq!(compare(100, 12, 103), compared(100, 0, 12));
    }
}
