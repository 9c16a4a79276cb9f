//! Data that all threads of the caller's process share.

use std::sync::{Mutex, PoisonError};

use crate::hidden_bases::HiddenBases;

#[derive(Debug)]
pub struct State {
    pub hidden_bases: HiddenBases,
}

static STATE: Mutex<State> = Mutex::new(State {
    hidden_bases: HiddenBases::new(),
});

/// Runs `f` under the lock. `f` must not block and must not touch the caller's memory.
pub fn with<T>(f: impl FnOnce(&mut State) -> T) -> T {
    f(&mut STATE.lock().unwrap_or_else(PoisonError::into_inner))
}
