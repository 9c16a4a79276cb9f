//! The kernel's own count of a process's faults, beside what was recorded of them.
//!
//! The count can't be read at a moment that is known: it is read between two readings of the clock
//! that the records are stamped by. What was recorded between these two may be in the count or not.
//! So may what was recorded right after them: the kernel counts a fault, then stamps its record.

use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use psapi::{FaultCount, Fields, PageFault, Process, ProcessId, WorkingSetWatch};

use super::monotonic;

/// Time enough to stamp the record of a fault that was counted, an interrupt in between included.
const UNTIL_STAMPED: Duration = Duration::from_micros(50);

/// The count at the beginning of a watch and at its end.
#[derive(Debug)]
pub struct Counted {
    id: ProcessId,
    before: Option<FaultCount>,
    after: Option<FaultCount>,
    /// When the first count was read, in nanoseconds of `CLOCK_MONOTONIC`. What happened later is
    /// watched.
    begin: RangeInclusive<u64>,
    /// Faults of which it is not known whether they are in the difference of the two counts.
    doubtful: u64,
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
        Ok(counted)
    }

    /// When the watch began.
    pub fn begin_ns(&self) -> u64 {
        *self.begin.end()
    }

    /// Takes away what happened before the watch began: records may come a moment late.
    pub fn leave_out_earlier(&mut self, faults: &mut Vec<PageFault>) {
        let first = faults.partition_point(|fault| fault.time <= *self.begin.end());
        self.doubtful += self.own_within(&faults[..first], &self.begin);
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
        let (after, reading) = read(process);
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
        let first = faults.partition_point(|fault| fault.time < *reading.start());
        self.doubtful += doubtful + self.own_within(&faults[first..], &reading);
        faults.truncate(first);
        Ok(lost)
    }

    fn own_within(&self, faults: &[PageFault], times: &RangeInclusive<u64>) -> u64 {
        let is_one = |fault: &&PageFault| fault.process == self.id && times.contains(&fault.time);
        faults.iter().filter(is_one).count() as u64
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

/// Reads the kernel's count, and when that was. All that may be of then is recorded by now.
fn read(process: &Process) -> (Option<FaultCount>, RangeInclusive<u64>) {
    let from = monotonic();
    let status = process.status(Fields::STAT).ok();
    let until = monotonic() + UNTIL_STAMPED.as_nanos() as u64;
    thread::sleep(UNTIL_STAMPED);
    (status.and_then(|status| status.faults), from..=until)
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
    fn more_records_than_faults_are_shown_as_such() {
        assert_eq!(compare(100, 12, 103), compared(100, 0, 12));
    }
}
