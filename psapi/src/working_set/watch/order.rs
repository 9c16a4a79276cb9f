//! Faults of several processors in the order of their time, across calls.

use super::PageFault;

/// Each processor's faults come in order, but their buffers are emptied one after the other, while
/// the process goes on: what is newer than the moment at which that began is kept for the next
/// call, which may find an older one in another buffer.
#[derive(Debug, Default)]
pub(super) struct Order {
    kept: Vec<PageFault>,
    newest_kept: u64,
    /// The time of the last one that was delivered.
    last: u64,
}

impl Order {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Adds what was kept.
    pub(super) fn resume(&mut self, faults: &mut Vec<PageFault>) {
        self.newest_kept = self.kept.last().map_or(0, |fault| fault.time);
        faults.append(&mut self.kept);
    }

    /// Sorts what came, and keeps back what is newer than `now`.
    pub(super) fn sort(&mut self, faults: &mut Vec<PageFault>, now: u64) {
        faults.sort_by_key(|fault| fault.time);
        // Nothing is kept twice, whatever its time.
        let end = now.max(self.newest_kept);
        let end = faults.partition_point(|fault| fault.time <= end);
        self.kept.extend(faults.drain(end..));
        // One whose processor was interrupted between the stamp and the record comes late. It was
        // not over when the others were, and so has no earlier time than they.
        for fault in faults.iter_mut() {
            if fault.time >= self.last {
                break;
            }
            fault.time = self.last;
        }
        self.last = faults.last().map_or(self.last, |fault| fault.time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProcessId;

    fn fault(time: u64) -> PageFault {
        PageFault {
            time,
            program_counter: 0,
            address: 0,
            process: ProcessId::new(1),
            thread: 1,
            cpu: 0,
            hard: false,
        }
    }

    fn call(order: &mut Order, times: &[u64], now: u64) -> Vec<u64> {
        let mut faults = Vec::new();
        order.resume(&mut faults);
        faults.extend(times.iter().map(|&time| fault(time)));
        order.sort(&mut faults, now);
        faults.iter().map(|fault| fault.time).collect()
    }

    #[test]
    fn what_is_newer_than_the_call_waits_for_what_is_older() {
        let mut order = Order::default();
        // The second buffer was read later, and has what the first one will have, too.
        assert_eq!(call(&mut order, &[1, 4, 2, 6, 9], 5), [1, 2, 4]);
        assert!(!order.is_empty());
        assert_eq!(call(&mut order, &[7, 8], 10), [6, 7, 8, 9]);
        assert!(order.is_empty());
        assert_eq!(call(&mut order, &[], 11), []);
    }

    #[test]
    fn nothing_is_kept_twice() {
        let mut order = Order::default();
        assert_eq!(call(&mut order, &[3, 100, 200], 5), [3]);
        assert_eq!(call(&mut order, &[150, 300], 6), [100, 150, 200]);
        assert_eq!(call(&mut order, &[], 7), [300]);
    }

    #[test]
    fn a_late_one_does_not_go_back_in_time() {
        let mut order = Order::default();
        assert_eq!(call(&mut order, &[5, 8], 9), [5, 8]);
        assert_eq!(call(&mut order, &[6, 7, 12], 20), [8, 8, 12]);
    }
}
