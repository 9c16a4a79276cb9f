//! Facts about the machine.

use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

/// Returns the size of a page in bytes.
pub fn page_size() -> u64 {
    let mut information = SYSTEM_INFO::default();
    // SAFETY: the pointer is to a structure that the function fills.
    unsafe { GetSystemInfo(&mut information) };
    information.dwPageSize.into()
}
