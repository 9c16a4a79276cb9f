//! Sorts the faults of several CPUs by time, across calls.
//!
//! The faults of one CPU arrive in order, but the ring buffers are read one after the other while
//! the process continues to run. A fault recorded during a call can therefore be newer than one
//! that only the next call finds, in a buffer that was already read. Faults newer than the start of
//! a call are held back until the next call.

use crate::working_set::page_fault::PageFault;

/// Faults that are held back, and the state needed to keep the times ascending.
#[derive(Debug, Default)]
pub(super) struct FaultOrder {
    held_back: Vec<PageFault>,
    newest_held_back: u64,
    /// The time of the last fault that was delivered.
    last_delivered: u64,
}

impl FaultOrder {
    /// Returns true if no fault is held back.
    pub(super) fn is_empty(&self) -> bool {
        self.held_back.is_empty()
    }

    /// Adds the faults that were held back.
    pub(super) fn resume(&mut self, faults: &mut Vec<PageFault>) {
        self.newest_held_back = self.held_back.last().map_or(0, |fault| fault.time);
        faults.append(&mut self.held_back);
    }

    /// Sorts the faults, and holds back those later than `now`, the time at which reading began.
    pub(super) fn sort(&mut self, faults: &mut Vec<PageFault>, now: u64) {
        faults.sort_by_key(|fault| fault.time);
        // No fault is held back twice, whatever its time.
        let end = now.max(self.newest_held_back);
        let end = faults.partition_point(|fault| fault.time <= end);
        self.held_back.extend(faults.drain(end..));
        // A CPU that is interrupted between the timestamp and the record delivers a fault too late.
        // That fault ended after the others, so it gets the time of the last delivered fault.
        for fault in faults.iter_mut() {
            if fault.time >= self.last_delivered {
                break;
            }
            fault.time = self.last_delivered;
        }
        self.last_delivered = faults
            .last()
            .map_or(self.last_delivered, |fault| fault.time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process_id::ProcessId;

    fn fault(time: u64) -> PageFault {
        PageFault {
            time,
            program_counter: 0,
            address: 0,
            process: ProcessId::new(1),
            thread: 1,
            cpu: 0,
            major: false,
        }
    }

    fn call(order: &mut FaultOrder, times: &[u64], now: u64) -> Vec<u64> {
        let mut faults = Vec::new();
        order.resume(&mut faults);
        faults.extend(times.iter().map(|&time| fault(time)));
        order.sort(&mut faults, now);
        faults.iter().map(|fault| fault.time).collect()
    }

    #[test]
    fn later_faults_wait_for_next_call() {
        let mut order = FaultOrder::default();
        // The second buffer was read later, so its faults can be later than `now`.
        assert_eq!(call(&mut order, &[1, 4, 2, 6, 9], 5), [1, 2, 4]);
        assert!(!order.is_empty());
        assert_eq!(call(&mut order, &[7, 8], 10), [6, 7, 8, 9]);
        assert!(order.is_empty());
        assert_eq!(call(&mut order, &[], 11), []);
    }

    #[test]
    fn no_fault_is_held_back_twice() {
        let mut order = FaultOrder::default();
        assert_eq!(call(&mut order, &[3, 100, 200], 5), [3]);
        assert_eq!(call(&mut order, &[150, 300], 6), [100, 150, 200]);
        assert_eq!(call(&mut order, &[], 7), [300]);
    }

    #[test]
    fn late_fault_keeps_times_ascending() {
        let mut order = FaultOrder::default();
        assert_eq!(call(&mut order, &[5, 8], 9), [5, 8]);
        assert_eq!(call(&mut order, &[6, 7, 12], 20), [8, 8, 12]);
    }
}
