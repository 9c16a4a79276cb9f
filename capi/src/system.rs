//! Facts about the system that the caller runs on.

use once_cell::race::OnceBox;
use psapi::System;

// `OnceBox` never waits for another thread. After a fork, such a thread would be missing in the
// child.
static SYSTEM: OnceBox<System> = OnceBox::new();

/// Returns the system that the caller runs on.
pub fn system() -> &'static System {
    SYSTEM.get_or_init(Box::default)
}
