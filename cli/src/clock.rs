//! Moments, which the kernel counts from boot, on the wall clock.

use std::cell::OnceCell;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};

/// Turns time since boot into local time. The wall clock at boot is taken once, so that one run
/// shows one moment in one way.
#[derive(Debug, Clone)]
pub struct Clock {
    boot: Option<Timestamp>,
    /// Found when first needed: that reads files.
    zone: OnceCell<TimeZone>,
}

impl Clock {
    pub fn new() -> Self {
        let boot = SystemTime::now().checked_sub(since_boot());
        Clock {
            boot: boot.and_then(|boot| boot.try_into().ok()),
            zone: OnceCell::new(),
        }
    }

    /// A moment as local time: `09:30:00` if that is today, else `2026-05-01`. Empty beyond the
    /// calendar.
    pub fn local(&self, moment: Duration) -> String {
        let zone = || self.zone.get_or_init(TimeZone::system).clone();
        let Some(at) = self.timestamp(moment).map(|at| at.to_zoned(zone())) else {
            return String::new();
        };
        let today = Timestamp::now().to_zoned(zone()).date() == at.date();
        let format = if today { "%H:%M:%S" } else { "%Y-%m-%d" };
        at.strftime(format).to_string()
    }

    /// A moment as date and time with the distance from UTC: `2026-05-01 09:30:00 +02:00`. Empty
    /// beyond the calendar.
    pub fn date(&self, at: SystemTime) -> String {
        let zone = self.zone.get_or_init(TimeZone::system).clone();
        let Ok(at) = Timestamp::try_from(at) else {
            return String::new();
        };
        let at = at.to_zoned(zone);
        at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    fn timestamp(&self, moment: Duration) -> Option<Timestamp> {
        self.boot?.checked_add(moment).ok()
    }
}

/// How long ago the machine was started, suspended time included: what the kernel measures
/// processes' starts by.
pub fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(
        now.tv_sec.try_into().unwrap_or(0),
        now.tv_nsec.try_into().unwrap_or(0),
    )
}
