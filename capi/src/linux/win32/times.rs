//! `GetProcessTimes`, `GetSystemTimes`, `GetSystemTimeAsFileTime`, `QueryPerformanceCounter` and
//! `QueryPerformanceFrequency`.

use std::time::Duration;

use once_cell::race::OnceBox;
use psapi::Fields;

use super::file_time::{from_duration, from_unix_time};
use super::time::now;
use crate::linux::handles::resolve;
use crate::system::system;
use crate::types::rights::PROCESS_QUERY_LIMITED_INFORMATION;
use crate::types::{BOOL, FILETIME, HANDLE, LARGE_INTEGER, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

/// Implements `GetProcessTimes`. The exit time is 0, because the kernel does not record it.
pub fn process_times(
    process: HANDLE,
    creation: *mut FILETIME,
    exit: *mut FILETIME,
    kernel: *mut FILETIME,
    user: *mut FILETIME,
) -> Result<BOOL> {
    let target = resolve(process, PROCESS_QUERY_LIMITED_INFORMATION)?;
    let status = target.process.status(Fields::STAT);
    let status = status.map_err(|error| Win32Error::from_process_error(&error))?;
    let cpu_times = status.kernel_time.zip(status.user_time);
    let (Some(start), Some((kernel_time, user_time))) = (status.start, cpu_times) else {
        return Err(Win32Error::GEN_FAILURE);
    };
    let date = u64::try_from(boot_date() + start.as_nanos()).unwrap_or(0);
    user_memory::write(creation, &from_unix_time(Duration::from_nanos(date)))?;
    user_memory::write(exit, &FILETIME::default())?;
    user_memory::write(kernel, &from_duration(kernel_time))?;
    user_memory::write(user, &from_duration(user_time))?;
    Ok(TRUE)
}

/// Returns when the boot clock was 0, in nanoseconds since 1970.
///
/// The date is computed once, so that a process has the same creation time in each call: programs
/// identify processes by it. It is rounded to the resolution of the start times, so that most
/// programs compute the same date.
fn boot_date() -> i128 {
    static DATE: OnceBox<i128> = OnceBox::new();
    const RESOLUTION: i128 = 10_000_000;
    *DATE.get_or_init(|| {
        let nanos = |clock| now(clock).as_nanos() as i128;
        let date = nanos(libc::CLOCK_REALTIME) - nanos(libc::CLOCK_BOOTTIME);
        Box::new((date + RESOLUTION / 2).div_euclid(RESOLUTION) * RESOLUTION)
    })
}

/// Implements `GetSystemTimes`. As the API defines, the kernel's time includes the idle time.
pub fn system_times(
    idle: *mut FILETIME,
    kernel: *mut FILETIME,
    user: *mut FILETIME,
) -> Result<BOOL> {
    let times = system()
        .cpu_times()
        .map_err(|error| Win32Error::from_system_error(&error))?;
    let idle_time = times.idle + times.io_wait.unwrap_or_default();
    let kernel_time = idle_time
        + times.kernel
        + times.interrupts
        + times.soft_interrupts
        + times.stolen.unwrap_or_default();
    let user_time = times.user + times.nice.unwrap_or_default();
    for (to, time) in [(idle, idle_time), (kernel, kernel_time), (user, user_time)] {
        // Each argument is optional.
        if !to.is_null() {
            user_memory::write(to, &from_duration(time))?;
        }
    }
    Ok(TRUE)
}

/// Implements `GetSystemTimeAsFileTime`.
pub fn system_time(to: *mut FILETIME) -> Result<()> {
    user_memory::write(to, &from_unix_time(now(libc::CLOCK_REALTIME)))
}

/// The units of the performance counter per second. Programs multiply the counter by a million, and
/// with more units this would overflow sooner.
const FREQUENCY: LARGE_INTEGER = 10_000_000;

/// Implements `QueryPerformanceFrequency`.
pub fn performance_frequency(to: *mut LARGE_INTEGER) -> Result<BOOL> {
    user_memory::write(to, &FREQUENCY)?;
    Ok(TRUE)
}

/// Implements `QueryPerformanceCounter`.
pub fn performance_counter(to: *mut LARGE_INTEGER) -> Result<BOOL> {
    let units = now(libc::CLOCK_MONOTONIC).as_nanos() * FREQUENCY as u128 / 1_000_000_000;
    user_memory::write(to, &(units as LARGE_INTEGER))?;
    Ok(TRUE)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::ptr::null_mut;

    use super::*;
    use crate::linux::handles::{close, current, open};
    use crate::types::FALSE;
    use crate::types::rights::PROCESS_VM_READ;

    fn units(time: FILETIME) -> u64 {
        u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
    }

    fn times_of(process: HANDLE) -> Result<[u64; 4]> {
        let mut times = [FILETIME::default(); 4];
        let [creation, exit, kernel, user] = &mut times;
        process_times(process, creation, exit, kernel, user)?;
        Ok(times.map(units))
    }

    fn now_units() -> u64 {
        let mut time = FILETIME::default();
        system_time(&mut time).unwrap();
        units(time)
    }

    #[test]
    fn system_time_is_current_date() {
        let unix = || {
            let now = std::time::SystemTime::now();
            let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
            (now.as_nanos() / 100) as u64 + 116_444_736_000_000_000
        };
        let before = unix();
        let time = now_units();
        assert!((before..=unix()).contains(&time));
    }

    #[test]
    fn creation_time_is_stable_date() {
        let before = now_units();
        let mut child = Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let after = now_units();
        let process = open(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, child.id()).unwrap();
        let [creation, exit, ..] = times_of(process).unwrap();
        // The kernel's start time is rounded down to 10 ms, and the date of the boot to the nearest
        // 10 ms.
        assert!((before - 200_000..=after + 100_000).contains(&creation));
        assert_eq!(exit, 0);
        assert_eq!(times_of(process).unwrap()[0], creation);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(times_of(process), Err(Win32Error::GEN_FAILURE));
        close(process).unwrap();
    }

    #[test]
    fn cpu_times_match_kernel() {
        let used = || {
            let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
            // SAFETY: `usage` has room for the structure, for which zeros are valid.
            let usage = unsafe {
                libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
                usage.assume_init()
            };
            let units =
                |time: libc::timeval| time.tv_sec as u64 * 10_000_000 + time.tv_usec as u64 * 10;
            units(usage.ru_utime) + units(usage.ru_stime)
        };
        // At least two units of the kernel's figures.
        while used() < 400_000 {
            std::hint::black_box(std::fs::read("/proc/self/status").unwrap());
        }
        let before = used();
        let [_, _, kernel, user] = times_of(current()).unwrap();
        // Each of the two figures is rounded down to 10 ms.
        assert!((before - 200_000..=used()).contains(&(kernel + user)));
    }

    #[test]
    fn rejects_bad_arguments() {
        let process = open(PROCESS_VM_READ, FALSE, std::process::id()).unwrap();
        assert_eq!(times_of(process), Err(Win32Error::ACCESS_DENIED));
        close(process).unwrap();
        assert_eq!(times_of(process), Err(Win32Error::INVALID_HANDLE));
        let mut time = FILETIME::default();
        let to: *mut FILETIME = &mut time;
        for missing in 0..4 {
            let mut to = [to; 4];
            to[missing] = null_mut();
            let [creation, exit, kernel, user] = to;
            let result = process_times(current(), creation, exit, kernel, user);
            assert_eq!(result, Err(Win32Error::NOACCESS), "{missing}");
        }
    }

    #[test]
    fn kernel_time_includes_idle_time() {
        let mut times = [FILETIME::default(); 3];
        let [idle, kernel, user] = &mut times;
        system_times(idle, kernel, user).unwrap();
        let [idle, kernel, user] = times.map(units);
        let uptime = units(from_duration(now(libc::CLOCK_BOOTTIME)));
        assert!(kernel > idle && user > 0);
        // All CPUs together cannot have used more.
        let cpus = crate::linux::machine::online_cpus().len() as u64;
        assert!(kernel + user <= (uptime + 10_000_000) * cpus);
        let nothing = null_mut();
        assert_eq!(system_times(nothing, nothing, nothing), Ok(TRUE));
    }

    #[test]
    fn counter_measures_intervals() {
        let count = || {
            let mut count = 0;
            performance_counter(&mut count).unwrap();
            count
        };
        let mut frequency = 0;
        performance_frequency(&mut frequency).unwrap();
        let before = count();
        std::thread::sleep(Duration::from_millis(20));
        assert!(count() - before >= frequency / 50);
        assert_eq!(performance_counter(null_mut()), Err(Win32Error::NOACCESS));
    }
}
