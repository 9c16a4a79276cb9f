//! The start time of a process.

use std::time::Duration;

/// When a process started: the time from boot to its start, including suspended time.
///
/// The time is a reading of the caller's boot clock (`CLOCK_BOOTTIME` on Linux). In a Linux time
/// namespace, that clock can be set back. A process that started before the clock was 0 has a
/// negative start time there. Its age is still the difference from the clock.
///
/// On Windows, it is the system time of the start minus the system time of the boot, both as the
/// clock had them then. Setting the clock later changes neither. A clock that was set between boot
/// and start makes the difference wrong by as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct StartTime {
    /// Whole seconds, rounded down.
    secs: i64,
    /// The rest, below 1,000,000,000.
    nanos: u32,
}

const NANOS_PER_SECOND: i128 = 1_000_000_000;

impl StartTime {
    /// Creates a start time. `nanos` must be below 1,000,000,000.
    pub(crate) const fn new(secs: i64, nanos: u32) -> Self {
        StartTime { secs, nanos }
    }

    /// Returns the time from boot to the start; `None` if the start time is negative.
    pub fn since_boot(self) -> Option<Duration> {
        let secs = self.secs.try_into().ok()?;
        Some(Duration::new(secs, self.nanos))
    }

    /// Returns the nanoseconds from boot to the start.
    ///
    /// The result is negative if the process started before the caller's boot clock was 0.
    pub fn as_nanos(self) -> i128 {
        i128::from(self.secs) * NANOS_PER_SECOND + i128::from(self.nanos)
    }

    /// Returns the time from the start to a reading of the caller's boot clock.
    ///
    /// The result is zero if the process started later.
    pub fn until(self, boot_clock: Duration) -> Duration {
        match self.since_boot() {
            Some(start) => boot_clock.saturating_sub(start),
            None => {
                // The nanoseconds count forwards, although the seconds are negative.
                let before = Duration::from_secs(self.secs.unsigned_abs());
                boot_clock.saturating_add(before.saturating_sub(Duration::new(0, self.nanos)))
            }
        }
    }

    pub(crate) fn secs(self) -> i64 {
        self.secs
    }

    pub(crate) fn subsec_nanos(self) -> u32 {
        self.nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_start_adds_to_age() {
        let start = StartTime::new(-3, 250_000_000);
        assert_eq!(start.as_nanos(), -2_750_000_000);
        assert_eq!(start.since_boot(), None);
        let now = Duration::from_secs(10);
        assert_eq!(start.until(now), Duration::from_millis(12_750));
        let later = StartTime::new(4, 500_000_000);
        assert_eq!(later.since_boot(), Some(Duration::from_millis(4500)));
        assert_eq!(later.until(now), Duration::from_millis(5500));
        assert_eq!(later.until(Duration::ZERO), Duration::ZERO);
        assert!(start < later);
    }
}
