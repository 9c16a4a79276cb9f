//! Data that all threads of the caller's process share.
//!
//! The locks survive a fork: the forking thread takes them first and releases them in both
//! processes. Otherwise the child could inherit a lock whose owner does not exist there.

use std::cell::UnsafeCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::hidden_bases::HiddenBases;
use crate::linux::handle_table::HandleTable;
use crate::linux::peaks::Peaks;
use crate::linux::win32::allocations::Allocations;
use crate::linux::win32::libraries::Libraries;
use crate::linux::win32::reservations::Reservations;
use crate::linux::{cached_pid, copy};

#[derive(Debug)]
pub struct State {
    pub handles: HandleTable,
    pub hidden_bases: HiddenBases,
    pub peaks: Peaks,
    pub allocations: Allocations,
    pub heap_allocations: Allocations,
    pub libraries: Libraries,
}

static STATE: Mutex<State> = Mutex::new(State {
    handles: HandleTable::new(),
    hidden_bases: HiddenBases::new(),
    peaks: Peaks::new(),
    allocations: Allocations::new(),
    heap_allocations: Allocations::new(),
    libraries: Libraries::new(),
});

/// Reservations have a lock of their own. It is held while the mappings themselves change, and
/// looking up a handle must not wait for that.
static RESERVATIONS: Mutex<Reservations> = Mutex::new(Reservations::new());

/// Runs `f` under the lock. `f` must not block and must not touch the caller's memory.
pub fn with<T>(f: impl FnOnce(&mut State) -> T) -> T {
    f(&mut lock(&STATE))
}

/// Runs `f` under the lock of the reservations. `f` can change the reserved mappings.
pub fn with_reservations<T>(f: impl FnOnce(&mut Reservations) -> T) -> T {
    f(&mut lock(&RESERVATIONS))
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both locks, while a thread forks.
struct ForkGuards(UnsafeCell<Option<Guards>>);

type Guards = (
    MutexGuard<'static, Reservations>,
    MutexGuard<'static, State>,
);

// SAFETY: the cell is accessed only by a thread that holds both locks, so never by two at once.
unsafe impl Sync for ForkGuards {}

static FORK_GUARDS: ForkGuards = ForkGuards(UnsafeCell::new(None));

extern "C" fn before_fork() {
    // No other code takes one of the locks while it holds the other, so the order cannot deadlock.
    let guards = (lock(&RESERVATIONS), lock(&STATE));
    // SAFETY: this thread holds both locks, which guard the cell.
    unsafe { *FORK_GUARDS.0.get() = Some(guards) };
}

extern "C" fn after_fork() {
    // SAFETY: the forking thread, or its copy in the child, still holds both locks, which guard the
    // cell.
    drop(unsafe { (*FORK_GUARDS.0.get()).take() });
}

extern "C" fn after_fork_in_child() {
    cached_pid::refresh();
    after_fork();
}

extern "C" fn on_load() {
    cached_pid::init();
    copy::init();
    // SAFETY: the functions are valid as long as the library is loaded. The C library drops the
    // handlers of a library that is unloaded.
    unsafe {
        libc::pthread_atfork(
            Some(before_fork),
            Some(after_fork),
            Some(after_fork_in_child),
        )
    };
}

/// Runs [`on_load`] before any function of the library can be called, so that no fork is missed.
#[used]
#[unsafe(link_section = ".init_array")]
static ON_LOAD: extern "C" fn() = on_load;
