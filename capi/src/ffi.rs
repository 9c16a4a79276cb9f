//! The wrapper around every exported function. It reports failures as the last error, stops panics
//! and preserves the codes that system calls set.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::platform::last_error;
use crate::platform::thread_state::ThreadState;
#[cfg(target_os = "linux")]
use crate::types::FARPROC;
use crate::types::{BOOL, DWORD, FALSE, LPVOID, SIZE_T};
use crate::win32_error::{Result, Win32Error};

/// A return type with a value that reports failure.
pub trait Failure {
    const FAILURE: Self;
}

impl Failure for BOOL {
    const FAILURE: Self = FALSE;
}

impl Failure for DWORD {
    const FAILURE: Self = 0;
}

impl Failure for SIZE_T {
    const FAILURE: Self = 0;
}

#[cfg(target_os = "linux")]
impl Failure for FARPROC {
    const FAILURE: Self = None;
}

impl Failure for () {
    const FAILURE: Self = ();
}

impl Failure for LPVOID {
    const FAILURE: Self = std::ptr::null_mut();
}

/// Runs the body of an exported function.
///
/// An error becomes the last error; success leaves the last error unchanged. A panic counts as an
/// error, because it must not unwind into C. The codes that system calls set, such as `errno`, are
/// restored in all cases.
pub fn call<T: Failure>(body: impl FnOnce() -> Result<T>) -> T {
    call_or(T::FAILURE, body)
}

/// Like [`call`], for functions that report failure with another value.
pub fn call_or<T>(failure: T, body: impl FnOnce() -> Result<T>) -> T {
    let state = ThreadState::save();
    // A panic cannot leave shared data half updated: its locks are held for single assignments
    // only.
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Win32Error::GEN_FAILURE));
    state.restore();
    result.unwrap_or_else(|error| {
        last_error::set(error.0);
        failure
    })
}
