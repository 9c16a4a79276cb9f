//! `Sleep` and `GetTickCount`.

use std::time::Duration;

use crate::boundary::Answer;
use crate::types::{DWORD, ULONGLONG};

/// To sleep for ever.
const INFINITE: DWORD = DWORD::MAX;

/// Lets so many milliseconds pass. A signal's handler runs meanwhile, and makes it no shorter.
pub fn sleep(milliseconds: DWORD) -> Answer<()> {
    match milliseconds {
        // What is left of the thread's time is another one's.
        0 => std::thread::yield_now(),
        INFINITE => loop {
            std::thread::sleep(Duration::MAX);
        },
        _ => std::thread::sleep(Duration::from_millis(milliseconds.into())),
    }
    Ok(())
}

/// The milliseconds since the system was started, those included that it was suspended.
pub fn tick_count_64() -> ULONGLONG {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: there is room for the time. Every kernel that there is has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut now) };
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

/// The same in 32 bits, which begin anew after 49.7 days.
pub fn tick_count() -> DWORD {
    tick_count_64() as DWORD
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_sleeps_that_long() {
        let (before, ticks) = (Instant::now(), tick_count_64());
        sleep(30).unwrap();
        assert!(before.elapsed() >= Duration::from_millis(30));
        assert!(tick_count_64() - ticks >= 30);
        sleep(0).unwrap();
    }

    #[test]
    fn for_ever_is_longer_than_a_while() {
        let sleeper = std::thread::spawn(|| sleep(INFINITE));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!sleeper.is_finished());
    }

    #[test]
    fn a_signal_does_not_wake_it() {
        extern "C" fn nothing(_: i32) {}
        // SAFETY: the handler does nothing, and no other test uses this signal.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as *const () as usize;
            libc::sigaction(libc::SIGWINCH, &action, std::ptr::null_mut());
        }
        // SAFETY: it only tells.
        let sleeper = unsafe { libc::pthread_self() };
        let waker = std::thread::spawn(move || {
            for _ in 0..10 {
                std::thread::sleep(Duration::from_millis(5));
                // SAFETY: that thread waits for this one before it ends.
                unsafe { libc::pthread_kill(sleeper, libc::SIGWINCH) };
            }
        });
        let before = Instant::now();
        sleep(100).unwrap();
        assert!(before.elapsed() >= Duration::from_millis(100));
        waker.join().unwrap();
    }

    #[test]
    fn ticks_are_the_uptime() {
        let uptime = || {
            let text = std::fs::read_to_string("/proc/uptime").unwrap();
            let seconds: f64 = text.split(' ').next().unwrap().parse().unwrap();
            (seconds * 1000.0) as u64
        };
        let before = uptime();
        let ticks = tick_count_64();
        let after = uptime();
        // It is told in hundredths.
        assert!(
            (before..=after + 10).contains(&ticks),
            "{before} {ticks} {after}"
        );
        let (low, later) = (tick_count(), tick_count_64() as DWORD);
        assert!(later.wrapping_sub(low) < 1000);
    }
}
