//! The clocks of the system, and the time zone of the machine.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::{Offset, TimeZone};
use psapi::{Fields, StartTime, System};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::System::SystemServices::TIME_ZONE_ID_DAYLIGHT;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessTimes};
use windows_sys::Win32::System::Time::{
    GetTimeZoneInformation, TIME_ZONE_ID_INVALID, TIME_ZONE_INFORMATION,
};

/// The time from 1601, where Windows begins to count, to 1970.
const TO_UNIX_EPOCH: Duration = Duration::from_secs(11_644_473_600);

/// Returns the local time zone; `None` if it cannot be read.
pub fn time_zone() -> Option<TimeZone> {
    TimeZone::try_system().ok().or_else(current_offset)
}

/// Returns the current offset from UTC as a time zone, for a zone whose name is unknown.
fn current_offset() -> Option<TimeZone> {
    let mut zone = TIME_ZONE_INFORMATION::default();
    // SAFETY: the structure may be written.
    let bias = match unsafe { GetTimeZoneInformation(&mut zone) } {
        TIME_ZONE_ID_INVALID => return None,
        TIME_ZONE_ID_DAYLIGHT => zone.DaylightBias,
        _ => zone.StandardBias,
    };
    // Windows adds the bias to local time to get UTC.
    let seconds = zone.Bias.checked_add(bias)?.checked_mul(-60)?;
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
}

/// Returns the time since boot, including suspended time: the clock of the start times of
/// processes.
///
/// The library reports start times as times since boot, and Windows as system times. This process
/// has both, and their difference is the time of the boot.
pub fn since_boot() -> Duration {
    static OWN_START: OnceLock<Option<(SystemTime, Duration)>> = OnceLock::new();
    let own_start = OWN_START.get_or_init(|| {
        let process = System::new().current_process().ok()?;
        let start = process.status(Fields::STAT).ok()?.start;
        Some((own_creation()?, start.and_then(StartTime::since_boot)?))
    });
    let since_boot = own_start.and_then(|(creation, since_boot)| {
        let age = SystemTime::now().duration_since(creation).ok()?;
        Some(since_boot + age)
    });
    // SAFETY: the function has no preconditions.
    since_boot.unwrap_or_else(|| Duration::from_millis(unsafe { GetTickCount64() }))
}

/// Returns the system time at which this process was created.
fn own_creation() -> Option<SystemTime> {
    let [mut creation, mut exit, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the pseudo handle of this process is always valid, and the structures may be written.
    let read = unsafe {
        GetProcessTimes(
            GetCurrentProcess(),
            &mut creation,
            &mut exit,
            &mut kernel,
            &mut user,
        )
    };
    if read == 0 {
        return None;
    }
    let ticks = u64::from(creation.dwHighDateTime) << 32 | u64::from(creation.dwLowDateTime);
    let since_1601 = Duration::new(ticks / 10_000_000, (ticks % 10_000_000) as u32 * 100);
    SystemTime::UNIX_EPOCH.checked_add(since_1601.checked_sub(TO_UNIX_EPOCH)?)
}

/// Returns the nanoseconds since the first call.
pub fn monotonic_ns() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let elapsed = FIRST.get_or_init(Instant::now).elapsed();
    elapsed.as_nanos().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_precedes_own_creation() {
        let age = SystemTime::now().duration_since(own_creation().unwrap());
        assert!(since_boot() > age.unwrap());
        assert!(since_boot() <= since_boot());
    }
}
