//! `EnumPageFiles`.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null_mut;

use crate::api::*;
use crate::support::privilege::skip;
use crate::support::swap;

/// What the callback was told.
#[derive(Debug, Default)]
struct Told {
    files: Vec<(String, usize, usize, usize)>,
    /// After how many it says stop.
    stop_at: usize,
}

unsafe extern "C" fn tell_a(
    context: *mut c_void,
    information: *mut PageFileInformation,
    name: *const c_char,
) -> i32 {
    // SAFETY: the library hands on what it was given, and both pointers are to what is there.
    unsafe {
        let name = CStr::from_ptr(name).to_str().unwrap().to_owned();
        tell(context, &*information, name)
    }
}

unsafe extern "C" fn tell_w(
    context: *mut c_void,
    information: *mut PageFileInformation,
    name: *const u16,
) -> i32 {
    // SAFETY: as above.
    unsafe {
        let length = (0..).take_while(|&unit| *name.add(unit) != 0).count();
        let name = String::from_utf16(std::slice::from_raw_parts(name, length)).unwrap();
        tell(context, &*information, name)
    }
}

/// Calls back into the library, too.
unsafe fn tell(context: *mut c_void, information: &PageFileInformation, name: String) -> i32 {
    assert_eq!((information.cb, information.reserved), (32, 0));
    let mut needed = 0;
    assert_ne!((api().EnumProcesses)(null_mut(), 0, &mut needed), 0);
    drop(Opened::new(LIMITED, std::process::id()));
    // SAFETY: it is what `told` handed over.
    let told = unsafe { &mut *context.cast::<Told>() };
    told.files.push((
        name,
        information.total,
        information.in_use,
        information.peak,
    ));
    i32::from(told.files.len() != told.stop_at)
}

fn told(stop_at: usize, wide: bool) -> Told {
    let mut told = Told {
        stop_at,
        ..Told::default()
    };
    let context = (&raw mut told).cast();
    done(|api| match wide {
        true => (api.EnumPageFilesW)(Some(tell_w), context),
        false => (api.EnumPageFilesA)(Some(tell_a), context),
    });
    told
}

/// Name and pages of each, as the kernel lists them.
fn swaps() -> Vec<(String, usize)> {
    let swaps = std::fs::read_to_string("/proc/swaps").unwrap_or_default();
    let rows = swaps.lines().skip(1).map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap().to_owned();
        let kilobytes: usize = words.nth(1).unwrap().parse().unwrap();
        (name, kilobytes * 1024 / rustix::param::page_size())
    });
    rows.collect()
}

#[test]
fn enum_page_files_without_a_page_file_succeeds_without_a_call() {
    let Some(_settled) = swap::Settled::none() else {
        skip("this machine has page files");
        return;
    };
    for wide in [false, true] {
        assert!(told(0, wide).files.is_empty());
    }
}

#[test]
fn enum_page_files_noaccess_without_a_callback() {
    let codes = [
        failed(|api| (api.EnumPageFilesA)(None, null_mut())),
        failed(|api| (api.EnumPageFilesW)(None, null_mut())),
    ];
    assert_eq!(codes, [NOACCESS; 2]);
}

#[test]
fn enum_page_files_tells_each_in_pages_until_the_callback_says_stop() {
    let Some(swap) = swap::Swap::on(64 << 20) else {
        skip("no page file can be had: needs root, zram and util-linux");
        return;
    };
    let listed = swaps();
    let path = swap.path.to_str().unwrap();
    for wide in [false, true] {
        let all = told(0, wide).files;
        let found: Vec<_> = all
            .iter()
            .map(|(name, total, ..)| (name.clone(), *total))
            .collect();
        assert_eq!(found, listed);
        // The first page of it describes the rest.
        let pages = (64 << 20) / rustix::param::page_size() - 1;
        let own = all.iter().find(|file| file.0 == path).unwrap();
        assert_eq!((own.1, own.3), (pages, own.2), "no peak is kept");
        assert_eq!(told(1, wide).files.len(), 1);
    }
}
