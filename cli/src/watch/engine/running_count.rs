//! The number of faults so far, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line on standard error that is updated in place, and erased when the value is dropped. Nothing
/// is shown if standard error is not a terminal.
#[derive(Debug)]
pub struct RunningCount(ProgressBar);

impl RunningCount {
    /// Creates the line, hidden if `is_wanted` is false.
    pub fn new(is_wanted: bool) -> Self {
        let target = if is_wanted {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        RunningCount(
            match ProgressStyle::with_template("{human_pos} faults in {elapsed}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            },
        )
    }

    /// Returns true if the line is visible.
    pub fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    pub fn update(&mut self, faults: u64) {
        self.0.set_position(faults);
        self.0.tick();
    }
}

impl Drop for RunningCount {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
