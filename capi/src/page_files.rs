//! `EnumPageFiles`.

use std::os::unix::ffi::OsStrExt as _;

use psapi::PageFile;

use crate::address::size;
use crate::boundary::Answer;
use crate::code::Code;
use crate::system::{page_size, system};
use crate::text::Unit;
use crate::types::{BOOL, DWORD, ENUM_PAGE_FILE_INFORMATION, FALSE, LPVOID, TRUE};

type Callback<U> = unsafe extern "C" fn(LPVOID, *mut ENUM_PAGE_FILE_INFORMATION, *const U) -> BOOL;

/// Calls back for each page file until it is told to stop. No lock is held meanwhile.
pub fn enumerate<U: Unit>(callback: Option<Callback<U>>, context: LPVOID) -> Answer<BOOL> {
    let callback = callback.ok_or(Code::NOACCESS)?;
    let files = system()
        .page_files()
        .map_err(|error| Code::of_system(&error))?;
    for file in files {
        let mut information = information(&file);
        let mut name = U::encode(file.path.as_os_str().as_bytes());
        name.push(U::NUL);
        // SAFETY: the caller says that it is such a function; both pointers are to what lives until
        // it returns.
        let goes_on = unsafe { callback(context, &mut information, name.as_ptr()) };
        if goes_on == FALSE {
            break;
        }
    }
    Ok(TRUE)
}

/// In pages, which Linux keeps no peak of: at least what is in use was.
fn information(file: &PageFile) -> ENUM_PAGE_FILE_INFORMATION {
    let pages = |bytes: u64| size(bytes / page_size());
    ENUM_PAGE_FILE_INFORMATION {
        cb: size_of::<ENUM_PAGE_FILE_INFORMATION>() as DWORD,
        Reserved: 0,
        TotalSize: pages(file.total),
        TotalInUse: pages(file.in_use),
        PeakUsage: pages(file.peak.unwrap_or(file.in_use)),
    }
}
