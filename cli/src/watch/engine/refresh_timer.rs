//! Decides when to read the mappings of a program that has just started.

use std::time::{Duration, Instant};

use psapi::ProcessId;

const FIRST_INTERVAL: Duration = Duration::from_millis(1);
const LAST_INTERVAL: Duration = Duration::from_millis(50);

/// A timer that expires soon after a program starts and then at doubling intervals.
///
/// A short program can load libraries and call `execve` again before it takes enough faults to wake
/// the reader. Its mappings are therefore also read when this timer expires, not only after faults.
#[derive(Debug, Clone, Copy)]
pub struct RefreshTimer {
    pub process: ProcessId,
    due: Instant,
    interval: Duration,
}

impl RefreshTimer {
    pub fn start(process: ProcessId) -> Self {
        RefreshTimer {
            process,
            due: Instant::now() + FIRST_INTERVAL,
            interval: FIRST_INTERVAL,
        }
    }

    pub fn time_left(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    pub fn is_due(&self) -> bool {
        self.due <= Instant::now()
    }

    /// Returns the timer for the next read, or `None` after the last one.
    pub fn next(self) -> Option<Self> {
        let interval = self.interval * 2;
        (interval <= LAST_INTERVAL).then(|| RefreshTimer {
            due: Instant::now() + interval,
            interval,
            ..self
        })
    }
}
