//! `Sleep`, `GetTickCount` and `GetTickCount64`.

use std::time::Duration;

use crate::types::{DWORD, ULONGLONG};
use crate::win32_error::Result;

/// The argument for which `Sleep` never returns.
const INFINITE: DWORD = DWORD::MAX;

/// Implements `Sleep`. Signal handlers run during the sleep but do not shorten it.
pub fn sleep(milliseconds: DWORD) -> Result<()> {
    match milliseconds {
        // As the API defines, give up the rest of the thread's time slice.
        0 => std::thread::yield_now(),
        INFINITE => loop {
            std::thread::sleep(Duration::MAX);
        },
        _ => std::thread::sleep(Duration::from_millis(milliseconds.into())),
    }
    Ok(())
}

/// Implements `GetTickCount64`. Returns the milliseconds since the system started, including
/// suspended time.
pub fn tick_count_64() -> ULONGLONG {
    now(libc::CLOCK_BOOTTIME).as_millis() as ULONGLONG
}

/// Returns the time of a clock that every supported kernel has.
pub fn now(clock: libc::clockid_t) -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` has room for the time. The result needs no check, because the clock exists.
    unsafe { libc::clock_gettime(clock, &mut now) };
    // A real-time clock that shows a date before 1970 counts as 1970.
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec as u32)
}

/// Implements `GetTickCount`. Returns the low 32 bits, which wrap after 49.7 days.
pub fn tick_count() -> DWORD {
    tick_count_64() as DWORD
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn sleeps_at_least_requested_time() {
        let (before, ticks) = (Instant::now(), tick_count_64());
        sleep(30).unwrap();
        assert!(before.elapsed() >= Duration::from_millis(30));
        assert!(tick_count_64() - ticks >= 30);
        sleep(0).unwrap();
    }

    #[test]
    fn infinite_sleep_does_not_return() {
        let sleeper = std::thread::spawn(|| sleep(INFINITE));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!sleeper.is_finished());
    }

    #[test]
    fn signal_does_not_shorten_sleep() {
        extern "C" fn handler(_: i32) {}
        // SAFETY: a zeroed `sigaction` is valid. The handler does nothing, so it is
        // async-signal-safe, and no other test uses this signal.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            libc::sigaction(libc::SIGWINCH, &action, std::ptr::null_mut());
        }
        // SAFETY: `pthread_self` has no preconditions.
        let sleeper = unsafe { libc::pthread_self() };
        let waker = std::thread::spawn(move || {
            for _ in 0..10 {
                std::thread::sleep(Duration::from_millis(5));
                // SAFETY: the sleeping thread joins this one, so its id is still valid.
                unsafe { libc::pthread_kill(sleeper, libc::SIGWINCH) };
            }
        });
        let before = Instant::now();
        sleep(100).unwrap();
        assert!(before.elapsed() >= Duration::from_millis(100));
        waker.join().unwrap();
    }

    #[test]
    fn ticks_match_uptime() {
        let uptime = || {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            let seconds: f64 = text.split(' ').next().unwrap().parse().unwrap();
            (seconds * 1000.0) as u64
        };
        let before = uptime();
        let ticks = tick_count_64();
        let after = uptime();
        // `/proc/uptime` has hundredths of a second.
        assert!(
            (before..=after + 10).contains(&ticks),
            "{before} {ticks} {after}"
        );
        let (low, later) = (tick_count(), tick_count_64() as DWORD);
        assert!(later.wrapping_sub(low) < 1000);
    }
}
