//! `FILETIME`: units of 100 ns, as a duration or as a date since 1601.

use std::time::Duration;

use crate::types::{DWORD, FILETIME};

/// The number of seconds from 1601 to 1970.
const UNIX_EPOCH: u64 = 11_644_473_600;

/// Converts a duration.
pub fn from_duration(duration: Duration) -> FILETIME {
    let units = u64::try_from(duration.as_nanos() / 100).unwrap_or(u64::MAX);
    FILETIME {
        dwLowDateTime: units as DWORD,
        dwHighDateTime: (units >> 32) as DWORD,
    }
}

/// Converts a date, given as the time since 1970.
pub fn from_unix_time(time: Duration) -> FILETIME {
    from_duration(time + Duration::from_secs(UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_count_from_1601() {
        let units =
            |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        assert_eq!(
            units(from_unix_time(Duration::ZERO)),
            116_444_736_000_000_000
        );
        assert_eq!(units(from_duration(Duration::from_millis(10))), 100_000);
        assert_eq!(units(from_duration(Duration::MAX)), u64::MAX);
    }
}
