//! `GetLastError` and `SetLastError`: an error code per thread.

use std::cell::Cell;

thread_local! {
    // A `Cell<u32>` has no destructor, so it stays usable while other thread-locals are destroyed.
    static LAST: Cell<u32> = const { Cell::new(0) };
}

pub fn get() -> u32 {
    LAST.get()
}

pub fn set(code: u32) {
    LAST.set(code);
}
