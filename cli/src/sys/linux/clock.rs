//! The clocks of the kernel, and the time zone of the machine.

use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};

/// The file with the machine's time zone.
const ZONE_FILE: &str = "/etc/localtime";

/// Returns the local time zone; `None` if one is set up, but cannot be read now.
pub fn time_zone() -> Option<TimeZone> {
    match TimeZone::try_system() {
        Ok(zone) => Some(zone),
        // As in the C library, the time zone is UTC if none is set up.
        Err(_) if std::env::var_os("TZ").is_none() && !Path::new(ZONE_FILE).exists() => {
            Some(TimeZone::UTC)
        }
        Err(_) => None,
    }
}

/// Returns the time since boot, including suspended time: the clock of the start times of
/// processes.
pub fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(
        now.tv_sec.try_into().unwrap_or(0),
        now.tv_nsec.try_into().unwrap_or(0),
    )
}

/// Returns the current time in nanoseconds of `CLOCK_MONOTONIC`, the clock that stamps page faults.
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
