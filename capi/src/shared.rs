//! What all threads of the caller's process share, behind locks that a fork finds free: the thread
//! that forks takes them first, so that the child, which has no other thread, can use them.

use std::cell::UnsafeCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::caller;
use crate::drivers::Known;
use crate::handles::Handles;
use crate::own_id;
use crate::windows::local::Allocations;
use crate::windows::reservations::Reservations;

#[derive(Debug)]
pub struct Shared {
    pub handles: Handles,
    pub drivers: Known,
    pub allocations: Allocations,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared {
    handles: Handles::new(),
    drivers: Known::new(),
    allocations: Allocations::new(),
});

/// With a lock of their own, since what is known of them has to change together with the memory
/// itself, and who looks up a handle should not wait for that.
static RESERVATIONS: Mutex<Reservations> = Mutex::new(Reservations::new());

/// Does something with it; no system call that may take long, and nothing of the caller's.
pub fn with<T>(what: impl FnOnce(&mut Shared) -> T) -> T {
    what(&mut lock(&SHARED))
}

/// The same with the reservations, and what changes the memory that they are of.
pub fn with_reservations<T>(what: impl FnOnce(&mut Reservations) -> T) -> T {
    what(&mut lock(&RESERVATIONS))
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The locks, held by the thread that forks.
struct Held(UnsafeCell<Option<Guards>>);

type Guards = (
    MutexGuard<'static, Reservations>,
    MutexGuard<'static, Shared>,
);

// SAFETY: only who has just taken the locks, or is about to release them, looks inside.
unsafe impl Sync for Held {}

static HELD: Held = Held(UnsafeCell::new(None));

extern "C" fn before_fork() {
    // Nobody else takes one while holding the other.
    let guards = (lock(&RESERVATIONS), lock(&SHARED));
    // SAFETY: nobody else looks inside while the locks are held.
    unsafe { *HELD.0.get() = Some(guards) };
}

extern "C" fn after_fork() {
    // SAFETY: as above; it is the thread that took the locks, or its copy in the child.
    drop(unsafe { (*HELD.0.get()).take() });
}

extern "C" fn after_fork_in_child() {
    own_id::remember();
    after_fork();
}

extern "C" fn at_start() {
    own_id::prepare();
    caller::prepare();
    // SAFETY: the functions stay as long as this library does; when it is unloaded, the C library
    // forgets them.
    unsafe {
        libc::pthread_atfork(
            Some(before_fork),
            Some(after_fork),
            Some(after_fork_in_child),
        )
    };
}

/// Before any function can be called, so that no fork is missed.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = at_start;
