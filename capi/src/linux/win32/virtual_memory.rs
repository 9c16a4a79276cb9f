//! `VirtualAlloc`, `VirtualFree`, `VirtualProtect`, `VirtualLock` and `VirtualUnlock`.

use std::io;
use std::ops::Range;

use psapi::{Backing, Mapping, PageAttributes, PageInfo};

use super::reservations::{GRANULARITY, Owner, protect, reserve_anywhere, reserve_at};
use super::system_info::{application_addresses, end_of_addresses};
use crate::convert::to_pointer;
use crate::linux::handles::own_process;
use crate::linux::machine::{page_size, physical_memory};
use crate::linux::state;
use crate::types::allocation::{MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE};
use crate::types::protection::{
    PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY, PAGE_NOACCESS,
    PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
};
use crate::types::{BOOL, DWORD, LPVOID, SIZE_T, TRUE};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};
use crate::working_set::win32_protection;

/// Implements `VirtualAlloc`. Reservations start at a multiple of 64 KiB.
pub fn allocate(address: LPVOID, bytes: SIZE_T, flags: DWORD, protection: DWORD) -> Result<LPVOID> {
    let (reserves, commits) = (flags & MEM_RESERVE != 0, flags & MEM_COMMIT != 0);
    if flags & !(MEM_RESERVE | MEM_COMMIT) != 0 || !(reserves || commits) || bytes == 0 {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    // Copy-on-write needs an original to copy from. Newly allocated memory has none.
    if matches!(protection, PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY) {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    let protection = prot_flags(protection)?;
    let range = match address.addr() {
        0 => {
            let bytes = bytes.checked_next_multiple_of(page_size() as usize);
            let bytes = bytes.filter(|&bytes| bytes <= end_of_addresses());
            let range = reserve_anywhere(bytes.ok_or(Win32Error::INVALID_PARAMETER)?)?;
            state::with_reservations(|reservations| reservations.insert(range.clone()));
            range
        }
        start => {
            let mut range = pages(start, bytes)?;
            if !reserves {
                state::with_reservations(|reservations| reservations.commit(&range, protection))?;
                return Ok(to_pointer(range.start as u64));
            }
            range.start -= range.start % GRANULARITY;
            let addresses = application_addresses();
            if range.start < addresses.start || range.end > addresses.end {
                return Err(Win32Error::INVALID_PARAMETER);
            }
            let range = reserve_at(range)?;
            state::with_reservations(|reservations| reservations.insert(range.clone()));
            range
        }
    };
    if commits {
        state::with_reservations(|reservations| {
            let committed = reservations.commit(&range, protection);
            if committed.is_err() {
                // Ignore an error: unmapping a whole new mapping does not fail.
                let _ = reservations.release(range.start);
            }
            committed
        })?;
    }
    Ok(to_pointer(range.start as u64))
}

/// Implements `VirtualFree`.
pub fn free(address: LPVOID, bytes: SIZE_T, flags: DWORD) -> Result<BOOL> {
    let start = address.addr();
    match (flags, bytes) {
        (MEM_RELEASE, 0) => state::with_reservations(|reservations| reservations.release(start))?,
        // A size of 0 means the whole reservation.
        (MEM_DECOMMIT, 0) => state::with_reservations(|reservations| {
            let range = reservations.starting_at(start)?;
            reservations.decommit(&range)
        })?,
        (MEM_DECOMMIT, _) => {
            let range = pages(start, bytes)?;
            state::with_reservations(|reservations| reservations.decommit(&range))?;
        }
        _ => return Err(Win32Error::INVALID_PARAMETER),
    }
    Ok(TRUE)
}

/// Implements `VirtualProtect` for any mapped memory.
///
/// The old protection of the first page is written before the pages change, because `old` can point
/// into one of them.
pub fn change_protection(
    address: LPVOID,
    bytes: SIZE_T,
    protection: DWORD,
    old: *mut DWORD,
) -> Result<BOOL> {
    let range = pages(address.addr(), bytes)?;
    let new = prot_flags(protection)?;
    let copy_on_write = matches!(protection, PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY);
    match state::with_reservations(|reservations| reservations.owner(&range)) {
        Owner::Committed if copy_on_write => return Err(Win32Error::INVALID_PARAMETER),
        Owner::Committed => {
            user_memory::write(old, &page_protection(&page(range.start)?)?)?;
            // The lock was released to write `old`, so another thread might have freed the pages.
            state::with_reservations(|reservations| match reservations.owner(&range) {
                Owner::Committed => protect(&range, new),
                _ => Err(Win32Error::INVALID_ADDRESS),
            })?;
        }
        Owner::Foreign => {
            let mappings = mappings(&range)?.ok_or(Win32Error::INVALID_ADDRESS)?;
            // The kernel copies pages on write only in private mappings.
            if copy_on_write && !mappings.iter().all(is_private_file) {
                return Err(Win32Error::INVALID_PARAMETER);
            }
            user_memory::write(old, &protection_of(&mappings[0], &page(range.start)?)?)?;
            protect(&range, new)?;
        }
        Owner::Mixed => return Err(Win32Error::INVALID_ADDRESS),
    }
    Ok(TRUE)
}

/// Implements `VirtualLock`. Fails for pages without any access.
pub fn lock(address: LPVOID, bytes: SIZE_T) -> Result<BOOL> {
    let range = pages(address.addr(), bytes)?;
    let mappings = mappings(&range)?.ok_or(Win32Error::NOACCESS)?;
    if !mappings
        .iter()
        .all(|mapping| can_be_faulted_in(mapping, &range))
    {
        return Err(Win32Error::NOACCESS);
    }
    // For a huge range, `mlock` would fault in zero pages for hours before it fails.
    if (range.end - range.start) as u64 > physical_memory() {
        return Err(Win32Error::WORKING_SET_QUOTA);
    }
    let start = std::ptr::without_provenance(range.start);
    // SAFETY: `mlock` changes neither contents nor protection of memory, and the kernel checks the
    // range.
    if unsafe { libc::mlock(start, range.end - range.start) } == 0 {
        return Ok(TRUE);
    }
    match io::Error::last_os_error().raw_os_error() {
        // `ENOMEM` can also mean unmapped memory, but the range is mapped. So the limit on locked
        // memory (`RLIMIT_MEMLOCK`) is exceeded.
        Some(libc::ENOMEM | libc::EPERM) => Err(Win32Error::WORKING_SET_QUOTA),
        _ => Err(Win32Error::NOT_ENOUGH_MEMORY),
    }
}

/// Implements `VirtualUnlock`. If any page is not locked, the locked pages stay locked. The other
/// pages are evicted from the working set, as far as the kernel allows it.
pub fn unlock(address: LPVOID, bytes: SIZE_T) -> Result<BOOL> {
    let range = pages(address.addr(), bytes)?;
    let mappings = mappings(&range)?.ok_or(Win32Error::NOT_LOCKED)?;
    let parts: Vec<Range<usize>> = mappings
        .iter()
        .map(|mapping| part(mapping, &range))
        .collect();
    let first_pages: Vec<u64> = parts.iter().map(|part| part.start as u64).collect();
    let pages = own_process()?
        .process
        .query_pages(&first_pages)
        .map_err(|error| Win32Error::from_memory_error(&error))?;
    // The kernel splits mappings where the lock state changes, so the first page of each part
    // represents all of its pages.
    let is_locked = |page: &PageInfo| page.attributes.contains(PageAttributes::LOCKED);
    if pages.iter().all(is_locked) {
        let start = std::ptr::without_provenance(range.start);
        // SAFETY: `munlock` changes neither contents nor protection of memory, and the kernel
        // checks the range.
        return match unsafe { libc::munlock(start, range.end - range.start) } {
            0 => Ok(TRUE),
            _ => Err(Win32Error::NOT_ENOUGH_MEMORY),
        };
    }
    for (part, _) in parts
        .iter()
        .zip(&pages)
        .filter(|(_, page)| !is_locked(page))
    {
        let start = std::ptr::without_provenance_mut(part.start);
        // Before Linux 5.4, and for some mappings, this fails and the pages stay in memory.
        // SAFETY: `MADV_PAGEOUT` keeps the contents, in swap or in the mapped file.
        unsafe { libc::madvise(start, part.end - part.start, libc::MADV_PAGEOUT) };
    }
    Err(Win32Error::NOT_LOCKED)
}

/// Returns the range of whole pages that contains `bytes` bytes from `start`.
fn pages(start: usize, bytes: usize) -> Result<Range<usize>> {
    let page = page_size() as usize;
    let end = start
        .checked_add(bytes)
        .and_then(|end| end.checked_next_multiple_of(page));
    match end {
        Some(end) if bytes > 0 => Ok(start - start % page..end),
        _ => Err(Win32Error::INVALID_PARAMETER),
    }
}

/// Converts a protection to `PROT_…` flags. Linux has no equivalent of `PAGE_GUARD`, which lasts
/// for one access, and does not let programs request `PAGE_NOCACHE`.
fn prot_flags(protection: DWORD) -> Result<i32> {
    const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;
    Ok(match protection {
        PAGE_NOACCESS => libc::PROT_NONE,
        PAGE_READONLY => libc::PROT_READ,
        PAGE_READWRITE | PAGE_WRITECOPY => READ_WRITE,
        PAGE_EXECUTE => libc::PROT_EXEC,
        PAGE_EXECUTE_READ => libc::PROT_READ | libc::PROT_EXEC,
        PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY => READ_WRITE | libc::PROT_EXEC,
        _ => return Err(Win32Error::INVALID_PARAMETER),
    })
}

/// Returns the attributes of the page at an address in the calling process.
fn page(address: usize) -> Result<PageInfo> {
    let pages = own_process()?.process.query_pages(&[address as u64]);
    let pages = pages.map_err(|error| Win32Error::from_memory_error(&error))?;
    pages.into_iter().next().ok_or(Win32Error::INVALID_ADDRESS)
}

/// Returns the protection of a page as far as the page's attributes determine it.
fn page_protection(page: &PageInfo) -> Result<DWORD> {
    page.protection
        .map(win32_protection)
        .ok_or(Win32Error::INVALID_ADDRESS)
}

/// Returns the protection of a page in any mapping. A writable page of a private file mapping is
/// copy-on-write until it has been copied.
fn protection_of(mapping: &Mapping, page: &PageInfo) -> Result<DWORD> {
    let protection = page_protection(page)?;
    if !is_private_file(mapping) || is_copied(page) {
        return Ok(protection);
    }
    Ok(match protection {
        PAGE_READWRITE => PAGE_WRITECOPY,
        PAGE_EXECUTE_READWRITE => PAGE_EXECUTE_WRITECOPY,
        other => other,
    })
}

/// Returns true if the page has been written, given that it is in a private mapping of a file.
pub fn is_copied(page: &PageInfo) -> bool {
    page.attributes.contains(PageAttributes::RESIDENT)
        && !page.attributes.contains(PageAttributes::FILE)
        || page.attributes.contains(PageAttributes::SWAPPED)
}

/// Returns true if the program has any access to the pages of a mapping.
pub fn is_accessible(mapping: &Mapping) -> bool {
    mapping.readable || mapping.writable || mapping.executable
}

/// Returns true if the mapping is a private mapping of a file.
pub fn is_private_file(mapping: &Mapping) -> bool {
    !mapping.shared
        && matches!(
            mapping.backing,
            Backing::File { .. } | Backing::Memfd { .. }
        )
}

/// Returns the mappings that contain the pages of a range, or `None` if some pages are not mapped.
fn mappings(range: &Range<usize>) -> Result<Option<Vec<Mapping>>> {
    let mappings = own_process()?
        .process
        .mappings()
        .map_err(|error| Win32Error::from_memory_error(&error))?;
    let (start, end) = (range.start as u64, range.end as u64);
    let overlaps = |mapping: &Mapping| mapping.start < end && mapping.end > start;
    let mappings: Vec<Mapping> = mappings.into_iter().filter(overlaps).collect();
    let covered = mappings
        .first()
        .is_some_and(|mapping| mapping.start <= start)
        && mappings.last().is_some_and(|mapping| mapping.end >= end)
        && mappings.windows(2).all(|two| two[0].end == two[1].start);
    Ok(covered.then_some(mappings))
}

/// Returns the part of a range that is inside a mapping.
fn part(mapping: &Mapping, range: &Range<usize>) -> Range<usize> {
    let (start, end) = (mapping.start as usize, mapping.end as usize);
    range.start.max(start)..range.end.min(end)
}

/// Returns true if the pages of a range inside a mapping can be faulted in. Pages without any
/// access and pages beyond the end of a mapped file cannot.
fn can_be_faulted_in(mapping: &Mapping, range: &Range<usize>) -> bool {
    let last: *const u8 = std::ptr::without_provenance(part(mapping, range).end - 1);
    let file_ends_before =
        mapping.file.is_some() && mapping.readable && user_memory::read(last).is_err();
    is_accessible(mapping) && !file_ends_before
}

#[cfg(test)]
mod tests;
