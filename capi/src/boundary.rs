//! What every exported function goes through: nothing but its answer gets across.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::code::Code;
use crate::last_error;
use crate::types::{BOOL, DWORD, FALSE, LPVOID};

pub type Answer<T> = Result<T, Code>;

/// What a function returns if it fails.
pub trait Failed {
    const FAILED: Self;
}

impl Failed for BOOL {
    const FAILED: Self = FALSE;
}

impl Failed for DWORD {
    const FAILED: Self = 0;
}

impl Failed for () {
    const FAILED: Self = ();
}

impl Failed for LPVOID {
    const FAILED: Self = std::ptr::null_mut();
}

/// Runs the body of an exported function. A failure becomes the last error, which success leaves
/// alone; a panic is a failure, too, since it must not unwind into C; `errno` stays as it was.
pub fn call<T: Failed>(body: impl FnOnce() -> Answer<T>) -> T {
    let errno = Errno::save();
    // What a panic leaves half done is not seen again: what is shared is behind locks that are
    // taken for single assignments.
    let answer = catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Code::GEN_FAILURE));
    errno.restore();
    answer.unwrap_or_else(|code| {
        last_error::set(code.0);
        T::FAILED
    })
}

/// The C library's error number, which is the caller's own business.
pub struct Errno(i32);

impl Errno {
    pub fn save() -> Self {
        // SAFETY: the C library gives each thread a place for it, valid as long as that runs.
        Errno(unsafe { *libc::__errno_location() })
    }

    pub fn restore(self) {
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = self.0 }
    }
}
