//! The pages of the fixture on Windows, in the calling process: Wine reports pages of no other.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::os::windows::io::AsRawHandle as _;
use std::ptr;

use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Memory::*;

use super::MIB;

const PAGE: usize = 4096;

/// Fills memory, so that all of its pages are resident.
fn touch(start: usize, size: usize) {
    // SAFETY: the caller allocated the memory for the test alone.
    unsafe { ptr::write_bytes(start as *mut u8, 1, size) };
}

/// Commits private memory.
fn commit(size: usize) -> usize {
    // SAFETY: the system chooses the address.
    let start =
        unsafe { VirtualAlloc(ptr::null(), size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
    assert!(!start.is_null());
    start as usize
}

fn protect(start: usize, size: usize, protection: PAGE_PROTECTION_FLAGS) {
    let mut old = 0;
    // SAFETY: the memory belongs to the test alone.
    let changed = unsafe { VirtualProtect(start as *const _, size, protection, &mut old) };
    assert_ne!(changed, 0);
}

/// Maps views of shared memory.
fn share<const VIEWS: usize>(size: usize) -> [usize; VIEWS] {
    // SAFETY: the section and its views stay until the process ends.
    let section = unsafe {
        CreateFileMappingW(
            INVALID_HANDLE_VALUE,
            ptr::null(),
            PAGE_READWRITE,
            0,
            size as u32,
            ptr::null(),
        )
    };
    [(); VIEWS].map(|()| {
        // SAFETY: as above.
        let view = unsafe { MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0) };
        assert!(!view.Value.is_null());
        view.Value as usize
    })
}

/// Maps a file for copying.
fn map_to_copy(path: &std::path::Path, size: usize) -> usize {
    fs::write(path, vec![1; size]).unwrap();
    let file = fs::File::open(path).unwrap();
    // SAFETY: the section and its view stay until the process ends.
    let view = unsafe {
        let section = CreateFileMappingW(
            file.as_raw_handle(),
            ptr::null(),
            PAGE_WRITECOPY,
            0,
            0,
            ptr::null(),
        );
        MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0)
    };
    assert!(!view.Value.is_null());
    view.Value as usize
}

fn read_all(start: usize, size: usize) {
    for page in (start..start + size).step_by(PAGE) {
        // SAFETY: the memory is mapped for the test.
        unsafe { ptr::read_volatile(page as *const u8) };
    }
}

/// Arranges the pages, and returns their ranges by name.
pub(super) fn arrange(file: &std::path::Path) -> HashMap<String, Range<u64>> {
    let mib = MIB as usize;
    let every_other = commit(8 * mib);
    for page in (every_other..every_other + 8 * mib).step_by(2 * PAGE) {
        touch(page, 1);
    }
    let odd_pages = commit(66 * mib);
    for page in (odd_pages + PAGE..odd_pages + 64 * mib).step_by(2 * PAGE) {
        touch(page, 1);
    }
    let [shared] = share(3 * mib);
    touch(shared, 3 * mib);
    let [twice_a, _] = share(mib);
    touch(twice_a, mib);
    let copied = map_to_copy(file, 4 * mib);
    read_all(copied, 4 * mib);
    touch(copied, mib);
    let code = commit(mib);
    touch(code, mib);
    protect(code, mib, PAGE_EXECUTE_READ);
    let no_access = commit(mib);
    touch(no_access, mib);
    protect(no_access, mib, PAGE_NOACCESS);
    let guarded = commit(mib);
    touch(guarded, mib);
    protect(guarded + mib / 2, mib / 4, PAGE_READWRITE | PAGE_GUARD);
    let untouched = commit(mib);
    let ranges = [
        ("every_other", every_other, 8 * mib),
        ("odd_pages", odd_pages, 66 * mib),
        ("shared", shared, 3 * mib),
        ("twice_a", twice_a, mib),
        ("file", copied, 4 * mib),
        ("code", code, mib),
        ("no_access", no_access, mib),
        ("guarded", guarded, mib),
        ("guards", 1, 0),
        ("untouched", untouched, mib),
    ];
    let ranges = ranges.into_iter();
    ranges
        .map(|(name, start, size)| (name.to_owned(), start as u64..(start + size) as u64))
        .collect()
}
