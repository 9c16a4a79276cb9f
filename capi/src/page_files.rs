//! `EnumPageFiles`.

use psapi::PageFile;

use crate::convert::to_size;
use crate::platform::figures;
use crate::platform::machine::page_size;
use crate::system::system;
use crate::text::CodeUnit;
use crate::types::{BOOL, DWORD, ENUM_PAGE_FILE_INFORMATION, FALSE, LPVOID, TRUE};
use crate::win32_error::{Result, Win32Error};

type Callback<U> =
    unsafe extern "system" fn(LPVOID, *mut ENUM_PAGE_FILE_INFORMATION, *const U) -> BOOL;

/// Implements `EnumPageFiles`. Calls `callback` for each page file until it returns `FALSE`. No
/// lock is held during the calls, so the callback can use the whole API.
pub fn enumerate<U: CodeUnit>(callback: Option<Callback<U>>, context: LPVOID) -> Result<BOOL> {
    let callback = callback.ok_or(Win32Error::NOACCESS)?;
    let files = system()
        .page_files()
        .map_err(|error| Win32Error::from_system_error(&error))?;
    let peaks = figures::page_file_peaks(&files);
    for (file, peak) in files.iter().zip(peaks) {
        let mut information = information(file, peak);
        let mut name = U::encode(file.path.as_os_str());
        name.push(U::NUL);
        // SAFETY: the caller guarantees that the pointer is to a function of this type. Both
        // arguments stay valid until it returns, and `name` ends with a NUL.
        let result = unsafe { callback(context, &mut information, name.as_ptr()) };
        if result == FALSE {
            break;
        }
    }
    Ok(TRUE)
}

/// Converts the sizes to pages.
fn information(file: &PageFile, peak: u64) -> ENUM_PAGE_FILE_INFORMATION {
    let pages = |bytes: u64| to_size(bytes / page_size());
    ENUM_PAGE_FILE_INFORMATION {
        cb: size_of::<ENUM_PAGE_FILE_INFORMATION>() as DWORD,
        Reserved: 0,
        TotalSize: pages(file.total),
        TotalInUse: pages(file.in_use),
        PeakUsage: pages(peak),
    }
}
