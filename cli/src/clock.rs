//! Conversion of kernel times, which count from boot, to local time.

use std::cell::OnceCell;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use psapi::StartTime;

use crate::sys;

/// Converts time since boot to local time. The time of the boot is computed once, so that the same
/// time is shown the same way throughout one run.
#[derive(Debug, Clone)]
pub struct Clock {
    boot: Option<Timestamp>,
    /// Initialized on first use, because finding the time zone reads files. Left empty if that
    /// fails, for instance because no descriptor is free.
    zone: OnceCell<TimeZone>,
}

impl Clock {
    pub fn new() -> Self {
        let boot = SystemTime::now().checked_sub(sys::since_boot());
        Clock {
            boot: boot.and_then(|boot| boot.try_into().ok()),
            zone: OnceCell::new(),
        }
    }

    /// Formats a start time as local time: `09:30:00` for today, otherwise `2026-05-01`. Returns
    /// `None` if the time is out of range, or the time zone is unknown.
    pub fn local(&self, start: StartTime) -> Option<String> {
        let zone = self.zone()?;
        let at = self.timestamp(start)?.to_zoned(zone.clone());
        let today = Timestamp::now().to_zoned(zone).date() == at.date();
        let format = if today { "%H:%M:%S" } else { "%Y-%m-%d" };
        Some(at.strftime(format).to_string())
    }

    /// Formats a time since boot as local date and time: `2026-05-01 09:30:00.120 +02:00`; in UTC
    /// if the time zone is unknown. Returns an empty string if the time is out of range.
    pub fn moment(&self, since_boot: Duration) -> String {
        let zone = self.zone().unwrap_or(TimeZone::UTC);
        let at = self.boot.and_then(|boot| boot.checked_add(since_boot).ok());
        at.map_or_else(String::new, |at| {
            let at = at.to_zoned(zone);
            at.strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
        })
    }

    /// Formats a time as local date and time with the offset from UTC: `2026-05-01 09:30:00
    /// +02:00`; in UTC if the time zone is unknown. Returns an empty string if the time is out of
    /// range.
    pub fn date(&self, at: SystemTime) -> String {
        let zone = self.zone().unwrap_or(TimeZone::UTC);
        let Ok(at) = Timestamp::try_from(at) else {
            return String::new();
        };
        let at = at.to_zoned(zone);
        at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    fn timestamp(&self, start: StartTime) -> Option<Timestamp> {
        let nanos = self.boot?.as_nanosecond() + start.as_nanos();
        Timestamp::from_nanosecond(nanos).ok()
    }

    /// Returns the local time zone; `None` if one is set up, but cannot be read now.
    fn zone(&self) -> Option<TimeZone> {
        if let Some(zone) = self.zone.get() {
            return Some(zone.clone());
        }
        sys::time_zone().map(|zone| self.zone.get_or_init(|| zone).clone())
    }
}
