//! A process that does nothing, until its parent ends.

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

fn main() {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    // The parent may have ended before the line above; it says who it is.
    let parent = std::env::args().nth(1).and_then(|id| id.parse().ok());
    while getppid().map(|id| id.as_raw_nonzero().get()) == parent {
        std::thread::park();
    }
}
