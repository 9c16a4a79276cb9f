//! What the system counts for this process on Windows.

use std::ptr;

use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{CreateEventW, GetCurrentProcess};

/// Memory and handles.
#[derive(Debug)]
pub struct Holdings {
    /// The place of the first free handle: Wine counts no handles.
    pub descriptors: usize,
    /// The committed bytes.
    pub mapped: u64,
    /// The private bytes, all of which are committed.
    pub private: u64,
}

impl Holdings {
    pub fn now() -> Holdings {
        let commit = commit();
        Holdings {
            descriptors: free_handle(),
            mapped: commit,
            private: commit,
        }
    }
}

/// Returns the place of the handle that is opened next.
fn free_handle() -> usize {
    // SAFETY: an event without a name, which is closed at once.
    let handle = unsafe { CreateEventW(ptr::null(), 0, 0, ptr::null()) };
    assert!(!handle.is_null());
    // SAFETY: the handle is this function's.
    unsafe { CloseHandle(handle) };
    handle as usize / 4
}

fn commit() -> u64 {
    let size = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
    let mut counters = PROCESS_MEMORY_COUNTERS::default();
    // SAFETY: the structure has the size that is given.
    let read = unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &mut counters, size) };
    assert_ne!(read, 0);
    counters.PagefileUsage as u64
}
