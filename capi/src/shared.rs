//! What all threads of the caller's process share, behind one lock that a fork finds free: the
//! thread that forks takes it first, so that the child, which has no other thread, can use it.

use std::cell::UnsafeCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::drivers::Known;
use crate::handles::Handles;

#[derive(Debug)]
pub struct Shared {
    pub handles: Handles,
    pub drivers: Known,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    handles: Handles::new(),
    drivers: Known::new(),
});

/// Does something with it; no system call that may take long, and nothing of the caller's.
pub fn with<T>(what: impl FnOnce(&mut Shared) -> T) -> T {
    what(&mut lock())
}

fn lock() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock, held by the thread that forks.
struct Held(UnsafeCell<Option<MutexGuard<'static, Shared>>>);

// SAFETY: only who has just taken the lock, or is about to release it, looks inside.
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

extern "C" fn before_fork() {
    let guard = lock();
    // SAFETY: nobody else looks inside while the lock is held.
    unsafe { *HELD.0.get() = Some(guard) };
}

extern "C" fn after_fork() {
    // SAFETY: as above; it is the thread that took the lock, or its copy in the child.
    drop(unsafe { (*HELD.0.get()).take() });
}

extern "C" fn at_start() {
    // SAFETY: the functions stay as long as this library does; when it is unloaded, the C library
    // forgets them.
    unsafe { libc::pthread_atfork(Some(before_fork), Some(after_fork), Some(after_fork)) };
}

/// Before any function can be called, so that no fork is missed.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;
