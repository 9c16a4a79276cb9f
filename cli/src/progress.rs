//! A progress bar on the terminal for long operations.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The bar appears after this time.
const DELAY: Duration = Duration::from_secs(1);

const TEMPLATE: &str = "{msg} {wide_bar} {bytes} of about {total_bytes}";

/// The progress of an operation. The bar is shown on standard error if that is a terminal, and
/// erased when the value is dropped.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    label: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub fn new(label: String) -> Self {
        Progress {
            start: Instant::now(),
            label,
            bar: None,
        }
    }

    /// Updates the bar: bytes done, and the total expected.
    pub fn update(&mut self, done: u64, expected: u64) {
        if self.start.elapsed() < DELAY {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(expected).with_message(self.label.clone());
            match ProgressStyle::with_template(TEMPLATE) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        bar.set_length(expected.max(done));
        bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
