//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Waits until a condition holds. Panics after a minute.
pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "condition still false after 60 s"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
