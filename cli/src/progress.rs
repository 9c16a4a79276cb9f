//! A bar on a terminal for what takes long.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// What is done sooner needs no bar.
const SOON: Duration = Duration::from_secs(1);

const LOOK: &str = "{msg} {wide_bar} {bytes} of about {total_bytes}";

/// How far something is. It is shown on standard error if that is a terminal, and wiped away at
/// the end.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    what: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub fn new(what: String) -> Self {
        Progress {
            start: Instant::now(),
            what,
            bar: None,
        }
    }

    /// So many bytes are done, of as many as are expected.
    pub fn tell(&mut self, done: u64, expected: u64) {
        if self.start.elapsed() < SOON {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(expected).with_message(self.what.clone());
            match ProgressStyle::with_template(LOOK) {
                Ok(look) => bar.with_style(look),
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
