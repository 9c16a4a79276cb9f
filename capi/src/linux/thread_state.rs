//! `errno`.

/// A saved `errno`, which the functions of this library must not change.
pub struct ThreadState(i32);

impl ThreadState {
    pub fn save() -> Self {
        // SAFETY: `__errno_location` returns a valid pointer to the calling thread's `errno`.
        ThreadState(unsafe { *libc::__errno_location() })
    }

    pub fn restore(self) {
        // SAFETY: `__errno_location` returns a valid pointer to the calling thread's `errno`.
        unsafe { *libc::__errno_location() = self.0 }
    }
}
