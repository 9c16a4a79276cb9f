//! `GetLastError` and `SetLastError`: a code for each thread.

use std::cell::Cell;

thread_local! {
    // Without a destructor it can be used as long as its thread runs.
    static LAST: Cell<u32> = const { Cell::new(0) };
}

pub fn get() -> u32 {
    LAST.get()
}

pub fn set(code: u32) {
    LAST.set(code);
}
