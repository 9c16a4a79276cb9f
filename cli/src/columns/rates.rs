//! Rates of a process between two samples: CPU time and page faults.

use std::time::Duration;

use psapi::ProcessStatus;

/// Rates of a process between two samples.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// CPU time, 100 per processor.
    pub cpu: Option<f64>,
    /// Minor faults per second.
    pub minor: Option<f64>,
    /// Major faults per second.
    pub major: Option<f64>,
}

impl Rates {
    /// Returns the rates; `None` if the samples show different processes, because the id was
    /// reused.
    pub fn between(
        before: &ProcessStatus,
        after: &ProcessStatus,
        elapsed: Duration,
    ) -> Option<Self> {
        let seconds = elapsed.as_secs_f64();
        if before.start.is_none() || before.start != after.start || seconds <= 0.0 {
            return None;
        }
        let rate = |before: Option<u64>, after: Option<u64>| {
            Some(after?.checked_sub(before?)? as f64 / seconds)
        };
        Some(Rates {
            cpu: cpu_time(after)
                .zip(cpu_time(before))
                .and_then(|(after, before)| after.checked_sub(before))
                .map(|spent| 100.0 * spent.as_secs_f64() / seconds),
            minor: rate(
                before.faults.and_then(|faults| faults.minor),
                after.faults.and_then(|faults| faults.minor),
            ),
            major: rate(
                before.faults.and_then(|faults| faults.major),
                after.faults.and_then(|faults| faults.major),
            ),
        })
    }
}

/// Returns the CPU time so far, in user and kernel mode.
pub fn cpu_time(status: &ProcessStatus) -> Option<Duration> {
    status.user_time?.checked_add(status.kernel_time?)
}
