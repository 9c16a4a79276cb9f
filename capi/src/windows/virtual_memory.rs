//! `VirtualAlloc`, `VirtualFree`, `VirtualProtect`, `VirtualLock` and `VirtualUnlock`.

use std::io;
use std::ops::Range;

use psapi::{Backing, Mapping, PageAttributes, PageInfo};

use super::own_process;
use super::reservations::{GRANULARITY, Owner, protect, reserve_anywhere, reserve_at};
use super::system_info::{application_addresses, end_of_addresses};
use crate::address::pointer;
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::shared;
use crate::system::{page_size, physical_memory};
use crate::types::allocation::{MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE};
use crate::types::protection::{
    PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY, PAGE_NOACCESS,
    PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
};
use crate::types::{BOOL, DWORD, LPVOID, SIZE_T, TRUE};
use crate::working_set::win32_protection;

/// `VirtualAlloc`. The memory that is reserved begins at a multiple of 64 KiB.
pub fn allocate(address: LPVOID, bytes: SIZE_T, how: DWORD, protection: DWORD) -> Answer<LPVOID> {
    let (reserves, commits) = (how & MEM_RESERVE != 0, how & MEM_COMMIT != 0);
    if how & !(MEM_RESERVE | MEM_COMMIT) != 0 || !(reserves || commits) || bytes == 0 {
        return Err(Code::INVALID_PARAMETER);
    }
    // A copy on write is of something that others have, too.
    if matches!(protection, PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY) {
        return Err(Code::INVALID_PARAMETER);
    }
    let protection = kernels(protection)?;
    let range = match address.addr() {
        0 => {
            let bytes = bytes.checked_next_multiple_of(page_size() as usize);
            let bytes = bytes.filter(|&bytes| bytes <= end_of_addresses());
            let range = reserve_anywhere(bytes.ok_or(Code::INVALID_PARAMETER)?)?;
            shared::with_reservations(|all| all.insert(range.clone()));
            range
        }
        start => {
            let mut range = pages(start, bytes)?;
            if !reserves {
                shared::with_reservations(|all| all.commit(&range, protection))?;
                return Ok(pointer(range.start as u64));
            }
            range.start -= range.start % GRANULARITY;
            let addresses = application_addresses();
            if range.start < addresses.start || range.end > addresses.end {
                return Err(Code::INVALID_PARAMETER);
            }
            let range = reserve_at(range)?;
            shared::with_reservations(|all| all.insert(range.clone()));
            range
        }
    };
    if commits {
        shared::with_reservations(|all| {
            let committed = all.commit(&range, protection);
            if committed.is_err() {
                // What has just been mapped can be unmapped.
                let _ = all.release(range.start);
            }
            committed
        })?;
    }
    Ok(pointer(range.start as u64))
}

/// `VirtualFree`.
pub fn free(address: LPVOID, bytes: SIZE_T, how: DWORD) -> Answer<BOOL> {
    let start = address.addr();
    match (how, bytes) {
        (MEM_RELEASE, 0) => shared::with_reservations(|all| all.release(start))?,
        // All of a reservation.
        (MEM_DECOMMIT, 0) => shared::with_reservations(|all| {
            let range = all.starting_at(start)?;
            all.decommit(&range)
        })?,
        (MEM_DECOMMIT, _) => {
            let range = pages(start, bytes)?;
            shared::with_reservations(|all| all.decommit(&range))?;
        }
        _ => return Err(Code::INVALID_PARAMETER),
    }
    Ok(TRUE)
}

/// `VirtualProtect`, of any memory that is mapped. The first page's protection until then is told
/// before it changes: where it is told to may be in one of the pages.
pub fn change_protection(
    address: LPVOID,
    bytes: SIZE_T,
    protection: DWORD,
    old: *mut DWORD,
) -> Answer<BOOL> {
    let range = pages(address.addr(), bytes)?;
    let new = kernels(protection)?;
    let copies = matches!(protection, PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY);
    match shared::with_reservations(|all| all.owner(&range)) {
        Owner::Committed if copies => return Err(Code::INVALID_PARAMETER),
        Owner::Committed => {
            caller::write(old, &anonymous_protection(&page(range.start)?)?)?;
            // By now it may be another thread's.
            shared::with_reservations(|all| match all.owner(&range) {
                Owner::Committed => protect(&range, new),
                _ => Err(Code::INVALID_ADDRESS),
            })?;
        }
        Owner::Foreign => {
            let mappings = mappings(&range)?.ok_or(Code::INVALID_ADDRESS)?;
            // The kernel makes copies of what is mapped privately, and only of that.
            if copies && !mappings.iter().all(is_private_file) {
                return Err(Code::INVALID_PARAMETER);
            }
            caller::write(old, &protection_of(&mappings[0], &page(range.start)?)?)?;
            protect(&range, new)?;
        }
        Owner::Mixed => return Err(Code::INVALID_ADDRESS),
    }
    Ok(TRUE)
}

/// `VirtualLock`. A page that may not be accessed at all can't be locked.
pub fn lock(address: LPVOID, bytes: SIZE_T) -> Answer<BOOL> {
    let range = pages(address.addr(), bytes)?;
    let mappings = mappings(&range)?.ok_or(Code::NOACCESS)?;
    if !mappings.iter().all(|it| can_be_fetched(it, &range)) {
        return Err(Code::NOACCESS);
    }
    // The kernel would fetch pages of zeros for hours.
    if (range.end - range.start) as u64 > physical_memory() {
        return Err(Code::WORKING_SET_QUOTA);
    }
    let start = std::ptr::without_provenance(range.start);
    // SAFETY: it changes nothing of what is there.
    if unsafe { libc::mlock(start, range.end - range.start) } == 0 {
        return Ok(TRUE);
    }
    match io::Error::last_os_error().raw_os_error() {
        // All of it is mapped, so that it is more than the process may lock (`RLIMIT_MEMLOCK`).
        Some(libc::ENOMEM | libc::EPERM) => Err(Code::WORKING_SET_QUOTA),
        _ => Err(Code::NOT_ENOUGH_MEMORY),
    }
}

/// `VirtualUnlock`. If a page is not locked, all that are stay so, and those that are not leave the
/// working set as far as the system lets them.
pub fn unlock(address: LPVOID, bytes: SIZE_T) -> Answer<BOOL> {
    let range = pages(address.addr(), bytes)?;
    let mappings = mappings(&range)?.ok_or(Code::NOT_LOCKED)?;
    let parts: Vec<Range<usize>> = mappings.iter().map(|it| part(it, &range)).collect();
    let firsts: Vec<u64> = parts.iter().map(|part| part.start as u64).collect();
    let pages = own_process()?
        .process
        .query_pages(&firsts)
        .map_err(|error| Code::of_memory(&error))?;
    // What is locked is a mapping of its own, so that its first page speaks for all.
    let is_locked = |page: &PageInfo| page.attributes.contains(PageAttributes::LOCKED);
    if pages.iter().all(is_locked) {
        let start = std::ptr::without_provenance(range.start);
        // SAFETY: it changes nothing of what is there.
        return match unsafe { libc::munlock(start, range.end - range.start) } {
            0 => Ok(TRUE),
            _ => Err(Code::NOT_ENOUGH_MEMORY),
        };
    }
    for (part, _) in parts
        .iter()
        .zip(&pages)
        .filter(|(_, page)| !is_locked(page))
    {
        let start = std::ptr::without_provenance_mut(part.start);
        // SAFETY: what is there stays, in a page file or its own. Where the kernel can't do it (before
        // Linux 5.4), or not for this mapping, the pages stay, too.
        unsafe { libc::madvise(start, part.end - part.start, libc::MADV_PAGEOUT) };
    }
    Err(Code::NOT_LOCKED)
}

/// The pages that so many bytes are in.
fn pages(start: usize, bytes: usize) -> Answer<Range<usize>> {
    let page = page_size() as usize;
    let end = start
        .checked_add(bytes)
        .and_then(|end| end.checked_next_multiple_of(page));
    match end {
        Some(end) if bytes > 0 => Ok(start - start % page..end),
        _ => Err(Code::INVALID_PARAMETER),
    }
}

/// What the kernel calls a protection. There is nothing like `PAGE_GUARD`, which lasts for one
/// access, and no `PAGE_NOCACHE` for a program.
fn kernels(protection: DWORD) -> Answer<i32> {
    const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;
    Ok(match protection {
        PAGE_NOACCESS => libc::PROT_NONE,
        PAGE_READONLY => libc::PROT_READ,
        PAGE_READWRITE | PAGE_WRITECOPY => READ_WRITE,
        PAGE_EXECUTE => libc::PROT_EXEC,
        PAGE_EXECUTE_READ => libc::PROT_READ | libc::PROT_EXEC,
        PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY => READ_WRITE | libc::PROT_EXEC,
        _ => return Err(Code::INVALID_PARAMETER),
    })
}

fn page(address: usize) -> Answer<PageInfo> {
    let pages = own_process()?.process.query_pages(&[address as u64]);
    let pages = pages.map_err(|error| Code::of_memory(&error))?;
    pages.into_iter().next().ok_or(Code::INVALID_ADDRESS)
}

/// The protection of a page that is of no file. That the kernel has it share the page of zeros until
/// it is written to is none of the caller's concern.
fn anonymous_protection(page: &PageInfo) -> Answer<DWORD> {
    let protection = page.protection.ok_or(Code::INVALID_ADDRESS)?;
    Ok(match win32_protection(protection) {
        PAGE_WRITECOPY => PAGE_READWRITE,
        PAGE_EXECUTE_WRITECOPY => PAGE_EXECUTE_READWRITE,
        other => other,
    })
}

/// The protection of a page of any mapping: of a file that is mapped privately, what may be written
/// to is a copy already, or will be one.
fn protection_of(mapping: &Mapping, page: &PageInfo) -> Answer<DWORD> {
    let protection = anonymous_protection(page)?;
    let is_own = page.attributes.contains(PageAttributes::RESIDENT)
        && !page.attributes.contains(PageAttributes::FILE)
        || page.attributes.contains(PageAttributes::SWAPPED);
    if !is_private_file(mapping) || is_own {
        return Ok(protection);
    }
    Ok(match protection {
        PAGE_READWRITE => PAGE_WRITECOPY,
        PAGE_EXECUTE_READWRITE => PAGE_EXECUTE_WRITECOPY,
        other => other,
    })
}

fn is_private_file(mapping: &Mapping) -> bool {
    !mapping.shared
        && matches!(
            mapping.backing,
            Backing::File { .. } | Backing::Memfd { .. }
        )
}

/// The mappings that the pages of a range are in. `None`: not all are mapped.
fn mappings(range: &Range<usize>) -> Answer<Option<Vec<Mapping>>> {
    let mappings = own_process()?
        .process
        .mappings()
        .map_err(|error| Code::of_memory(&error))?;
    let (start, end) = (range.start as u64, range.end as u64);
    let within = |it: &Mapping| it.start < end && it.end > start;
    let mappings: Vec<Mapping> = mappings.into_iter().filter(within).collect();
    let whole = mappings.first().is_some_and(|it| it.start <= start)
        && mappings.last().is_some_and(|it| it.end >= end)
        && mappings.windows(2).all(|two| two[0].end == two[1].start);
    Ok(whole.then_some(mappings))
}

/// The part of a range that is in a mapping.
fn part(mapping: &Mapping, range: &Range<usize>) -> Range<usize> {
    let (start, end) = (mapping.start as usize, mapping.end as usize);
    range.start.max(start)..range.end.min(end)
}

/// Whether there is something to fetch: it may be accessed, and a file that is mapped reaches as far.
fn can_be_fetched(mapping: &Mapping, range: &Range<usize>) -> bool {
    let may_be_accessed = mapping.readable || mapping.writable || mapping.executable;
    let last: *const u8 = std::ptr::without_provenance(part(mapping, range).end - 1);
    let ends_before = mapping.file.is_some() && mapping.readable && caller::read(last).is_err();
    may_be_accessed && !ends_before
}

#[cfg(test)]
mod tests;
