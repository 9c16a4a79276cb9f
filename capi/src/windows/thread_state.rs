//! The last error, which functions of the system change that this library calls.

use crate::windows::last_error;

/// A saved last error, which successful functions of this library must not change.
pub struct ThreadState(u32);

impl ThreadState {
    pub fn save() -> Self {
        ThreadState(last_error::get())
    }

    pub fn restore(self) {
        last_error::set(self.0);
    }
}
