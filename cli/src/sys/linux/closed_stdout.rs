//! Whether standard output was closed when the command started.
//!
//! Before `main`, Rust's runtime opens `/dev/null` in place of each closed standard stream, so that
//! no other file gets its number. Everything written to it would be lost without an error. This
//! file therefore checks before the runtime does.

use std::sync::atomic::{AtomicBool, Ordering};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

// Nothing here needs the runtime: a system call and an atomic.
#[ctor::ctor(unsafe)]
fn check() {
    let is_open = rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_ok();
    WAS_CLOSED.store(!is_open, Ordering::Relaxed);
}

/// Returns true if standard output was closed when the command started.
pub fn stdout_was_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}
