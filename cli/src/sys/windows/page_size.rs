//! The size of a page.

use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

/// Returns the size of a page in bytes.
pub fn page_size() -> usize {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: the argument points to a structure that the function may write.
    unsafe { GetSystemInfo(&mut info) };
    info.dwPageSize as usize
}
