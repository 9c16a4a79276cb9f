//! Drops duplicate records of a fault.
//!
//! A thread that starts while its process is being attached can inherit events and then also get
//! events of its own. Both record its faults, one directly after the other.

use crate::sys::linux::calls::perf_record::Sample;

/// Recognizes a sample that repeats the previous one.
#[derive(Debug, Default)]
pub(super) struct DedupFilter {
    last: Option<Sample>,
    /// The ids of the events that recorded the last fault.
    events: Vec<u64>,
}

impl DedupFilter {
    /// Returns true if a sample is not a duplicate of the one before.
    pub(super) fn is_new(&mut self, sample: &Sample) -> bool {
        let fault = |sample: &Sample| (sample.tid, sample.addr, sample.ip, sample.major);
        let is_new = self.last.is_none_or(|last| {
            // Since Linux 6.2, duplicates have the same time and event id. Before, each duplicate
            // has its own id, and a repeated event id means another fault at the same place.
            fault(&last) != fault(sample)
                || last.time != sample.time && self.events.contains(&sample.id)
        });
        if is_new {
            self.last = Some(*sample);
            self.events.clear();
        }
        self.events.push(sample.id);
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(tid: u32, addr: u64, id: u64, time: u64) -> Sample {
        Sample {
            ip: 1,
            pid: 1,
            tid,
            time,
            addr,
            id,
            major: false,
        }
    }

    fn major(sample: Sample) -> Sample {
        Sample {
            major: true,
            ..sample
        }
    }

    #[test]
    fn duplicate_samples_are_dropped() {
        let before_6_2 = [
            (sample(7, 4096, 1, 10), true),
            (sample(7, 4096, 2, 11), false),
            (sample(7, 4096, 3, 12), false),
            // The same event again: the fault did happen twice.
            (sample(7, 4096, 1, 20), true),
            (sample(7, 4096, 2, 21), false),
            // A fault is either minor or major.
            (major(sample(7, 4096, 4, 22)), true),
            (sample(8, 4096, 2, 23), true),
            (sample(8, 8192, 1, 24), true),
        ];
        let since_6_2 = [
            (sample(7, 4096, 1, 10), true),
            (sample(7, 4096, 1, 10), false),
            (sample(7, 4096, 1, 20), true),
            (sample(7, 4096, 1, 20), false),
            (major(sample(7, 4096, 1, 20)), true),
        ];
        for samples in [&before_6_2[..], &since_6_2] {
            let mut filter = DedupFilter::default();
            for (sample, is_new) in samples {
                assert_eq!(filter.is_new(sample), *is_new, "{sample:?}");
            }
        }
    }
}
