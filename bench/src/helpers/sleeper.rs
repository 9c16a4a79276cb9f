//! A process that sleeps until its parent ends.

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

fn main() {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    // The parent can have ended before the call above, so its id is an argument.
    let parent = std::env::args().nth(1).and_then(|id| id.parse().ok());
    while getppid().map(|id| id.as_raw_nonzero().get()) == parent {
        std::thread::park();
    }
}
