//! `EnumPageFiles`.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null_mut;

use crate::api::*;

#[cfg(target_os = "linux")]
use testing::{skip, swap};

/// The page files that the callback received.
#[derive(Debug, Default)]
pub struct Received {
    /// Name, and total, used and peak size in pages.
    pub files: Vec<(String, usize, usize, usize)>,
    /// The number of files after which the callback returns FALSE; 0 for no limit.
    stop_at: usize,
}

unsafe extern "system" fn callback_a(
    context: *mut c_void,
    information: *mut PageFileInformation,
    name: *const c_char,
) -> i32 {
    // SAFETY: the library passes the context of `page_files`, and valid pointers to a structure and
    // to a NUL-terminated name.
    unsafe {
        let name = CStr::from_ptr(name).to_str().unwrap().to_owned();
        receive(context, &*information, name)
    }
}

unsafe extern "system" fn callback_w(
    context: *mut c_void,
    information: *mut PageFileInformation,
    name: *const u16,
) -> i32 {
    // SAFETY: as in `callback_a`; the name is NUL-terminated UTF-16.
    unsafe {
        let length = (0..).take_while(|&unit| *name.add(unit) != 0).count();
        let name = String::from_utf16(std::slice::from_raw_parts(name, length)).unwrap();
        receive(context, &*information, name)
    }
}

/// Stores a page file. Also calls the library, which must not hold a lock during callbacks.
///
/// # Safety
///
/// `context` must point to a [`Received`] that nothing else uses.
unsafe fn receive(context: *mut c_void, information: &PageFileInformation, name: String) -> i32 {
    assert_eq!(
        (information.cb as usize, information.reserved),
        (8 + 3 * WORD, 0)
    );
    let mut needed = 0;
    assert_ne!((api().EnumProcesses)(null_mut(), 0, &mut needed), 0);
    drop(OpenHandle::new(LIMITED, std::process::id()));
    // SAFETY: see the function's precondition.
    let received = unsafe { &mut *context.cast::<Received>() };
    received.files.push((
        name,
        information.total,
        information.in_use,
        information.peak,
    ));
    i32::from(received.files.len() != received.stop_at)
}

/// Enumerates the page files until the callback has received `stop_at` of them.
pub fn page_files(stop_at: usize, wide: bool) -> Received {
    let mut received = Received {
        stop_at,
        ..Received::default()
    };
    let context = (&raw mut received).cast();
    succeed(|api| {
        if wide {
            (api.EnumPageFilesW)(Some(callback_w), context)
        } else {
            (api.EnumPageFilesA)(Some(callback_a), context)
        }
    });
    received
}

/// Returns the name and the size in pages of each entry of `/proc/swaps`.
#[cfg(target_os = "linux")]
fn swaps() -> Vec<(String, usize)> {
    let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let rows = swaps.lines().skip(1).map(|line| {
        let mut fields = line.split_whitespace();
        let name = fields.next().unwrap().to_owned();
        let kilobytes: usize = fields.nth(1).unwrap().parse().unwrap();
        (name, kilobytes * 1024 / rustix::param::page_size())
    });
    rows.collect()
}

#[cfg(target_os = "linux")]
#[test]
fn no_page_files_means_no_callbacks() {
    let Some(_state) = swap::SwapState::without_swap() else {
        skip("the machine has page files");
        return;
    };
    for wide in [false, true] {
        assert!(page_files(0, wide).files.is_empty());
    }
}

#[test]
fn null_callback_is_noaccess() {
    let codes = [
        fail(|api| (api.EnumPageFilesA)(None, null_mut())),
        fail(|api| (api.EnumPageFilesW)(None, null_mut())),
    ];
    assert_eq!(codes, [NOACCESS; 2]);
}

#[cfg(windows)]
#[test]
fn narrow_and_wide_names_agree() {
    let mut received = Received::default();
    if (api().EnumPageFilesW)(Some(callback_w), (&raw mut received).cast()) == 0 {
        assert_eq!(Code((api().GetLastError)()), NOT_SUPPORTED);
        testing::skip("Wine does not report page files");
        return;
    }
    let names = |wide| {
        let files = page_files(0, wide).files.into_iter();
        files.map(|file| file.0).collect::<Vec<_>>()
    };
    assert_eq!(names(false), names(true));
    assert!(names(true).iter().all(|name| name.contains('\\')));
    assert_eq!(page_files(1, true).files.len(), names(true).len().min(1));
}

/// Sizes are in pages. Enumeration stops when the callback returns FALSE.
#[cfg(target_os = "linux")]
#[test]
fn callback_receives_each_page_file() {
    let Some(swap) = swap::Swap::on(64 << 20) else {
        skip("cannot add a page file: needs root, zram and util-linux");
        return;
    };
    let listed = swaps();
    let path = swap.path.to_str().unwrap();
    for wide in [false, true] {
        let all = page_files(0, wide).files;
        let found: Vec<_> = all
            .iter()
            .map(|(name, total, ..)| (name.clone(), *total))
            .collect();
        assert_eq!(found, listed);
        // The first page of a swap area contains its header.
        let pages = (64 << 20) / rustix::param::page_size() - 1;
        let own = all.iter().find(|file| file.0 == path).unwrap();
        assert_eq!(own.1, pages);
        assert!((own.2..=pages).contains(&own.3), "{own:?}");
        assert_eq!(page_files(1, wide).files.len(), 1);
    }
}
