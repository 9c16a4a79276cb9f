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
use crate::system::page_size;
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
mod tests {
    use std::ffi::c_void;
    use std::fs::File;
    use std::os::fd::AsRawFd as _;
    use std::ptr::null_mut;

    use super::*;
    use crate::types::CHAR;
    use crate::windows::tests::{Pages, permissions, unused};

    const KIB_64: usize = 64 * 1024;
    const BOTH: DWORD = MEM_RESERVE | MEM_COMMIT;

    fn page() -> usize {
        page_size() as usize
    }

    /// Where no other thread of the tests gets memory, neither before it is released nor later.
    fn apart(bytes: usize, how: DWORD, protection: DWORD) -> LPVOID {
        let at = unused();
        assert_eq!(allocate(at, bytes, how | MEM_RESERVE, protection), Ok(at));
        at
    }

    fn anywhere(bytes: usize, how: DWORD, protection: DWORD) -> LPVOID {
        allocate(null_mut(), bytes, how, protection).unwrap()
    }

    fn release(address: LPVOID) {
        assert_eq!(free(address, 0, MEM_RELEASE), Ok(TRUE));
    }

    fn is(at: *const c_void, expected: &str) -> bool {
        permissions(at).as_deref() == Some(expected)
    }

    fn write(at: LPVOID, byte: u8) -> Answer<()> {
        caller::write(at.cast(), &byte)
    }

    fn read(at: LPVOID) -> Answer<u8> {
        caller::read(at.cast())
    }

    /// Changes a page's protection, and tells what it was.
    fn old_protection(at: LPVOID, protection: DWORD) -> Answer<DWORD> {
        let mut old = 0;
        change_protection(at, 1, protection, &mut old)?;
        Ok(old)
    }

    #[test]
    fn what_is_committed_can_be_used_and_is_zero() {
        for how in [MEM_COMMIT, BOTH] {
            let memory = anywhere(3 * page() - 5, how, PAGE_READWRITE);
            assert_eq!(memory.addr() % KIB_64, 0);
            let last = memory.wrapping_byte_add(3 * page() - 1);
            for at in [memory, last] {
                assert_eq!(read(at), Ok(0));
                write(at, 9).unwrap();
                assert_eq!(read(at), Ok(9));
            }
            release(memory);
        }
        let memory = apart(1, BOTH, PAGE_READWRITE);
        write(memory, 1).unwrap();
        release(memory);
        assert_eq!(read(memory), Err(Code::NOACCESS));
    }

    #[test]
    fn every_protection_is_the_kernels() {
        for (protection, shown) in [
            (PAGE_NOACCESS, "---p"),
            (PAGE_READONLY, "r--p"),
            (PAGE_READWRITE, "rw-p"),
            (PAGE_EXECUTE, "--xp"),
            (PAGE_EXECUTE_READ, "r-xp"),
            (PAGE_EXECUTE_READWRITE, "rwxp"),
        ] {
            let memory = apart(1, BOTH, protection);
            assert!(is(memory, shown), "{protection:#x}");
            assert_eq!(old_protection(memory, PAGE_READONLY), Ok(protection));
            assert_eq!(old_protection(memory, protection), Ok(PAGE_READONLY));
            assert!(is(memory, shown));
            release(memory);
        }
    }

    #[test]
    fn what_is_reserved_is_committed_page_by_page() {
        let memory = apart(10 * page(), MEM_RESERVE, PAGE_READWRITE);
        assert!(is(memory, "---p"));
        assert_eq!(read(memory), Err(Code::NOACCESS));
        // Two bytes in two pages commit both.
        let third = memory.wrapping_byte_add(2 * page());
        let in_second = third.wrapping_byte_sub(1);
        let answer = allocate(in_second, 2, MEM_COMMIT, PAGE_READWRITE);
        assert_eq!(answer, Ok(memory.wrapping_byte_add(page())));
        write(in_second, 1).unwrap();
        write(third, 2).unwrap();
        assert_eq!(read(memory), Err(Code::NOACCESS));
        let fourth = third.wrapping_byte_add(page());
        assert_eq!(read(fourth), Err(Code::NOACCESS));
        // Again, with all others: what is there stays, and is protected anew.
        let answer = allocate(memory, 10 * page(), MEM_COMMIT, PAGE_READONLY);
        assert_eq!(answer, Ok(memory));
        assert_eq!(
            (read(in_second), read(third), read(fourth)),
            (Ok(1), Ok(2), Ok(0))
        );
        assert!(is(third, "r--p"));
        release(memory);
    }

    #[test]
    fn what_is_decommitted_stays_reserved_and_is_zero_again() {
        let memory = apart(4 * page(), BOTH, PAGE_READWRITE);
        (0..4).for_each(|it| write(memory.wrapping_byte_add(it * page()), 7).unwrap());
        let second = memory.wrapping_byte_add(page());
        assert_eq!(
            free(second.wrapping_byte_add(1), page(), MEM_DECOMMIT),
            Ok(TRUE)
        );
        let third = second.wrapping_byte_add(page());
        let fourth = third.wrapping_byte_add(page());
        assert_eq!((read(memory), read(fourth)), (Ok(7), Ok(7)));
        assert_eq!(
            (read(second), read(third)),
            (Err(Code::NOACCESS), Err(Code::NOACCESS))
        );
        assert!(is(second, "---p"));
        // It is no error to do it again, or to pages that never were.
        assert_eq!(free(memory, 4 * page(), MEM_DECOMMIT), Ok(TRUE));
        assert_eq!(free(memory, 0, MEM_DECOMMIT), Ok(TRUE));
        assert_eq!(
            old_protection(memory, PAGE_READWRITE),
            Err(Code::INVALID_ADDRESS)
        );
        allocate(memory, 4 * page(), MEM_COMMIT, PAGE_READWRITE).unwrap();
        (0..4).for_each(|it| assert_eq!(read(memory.wrapping_byte_add(it * page())), Ok(0)));
        release(memory);
    }

    #[test]
    fn the_commit_charge_is_the_committed_pages() {
        /// What of a mapping is accounted (`ac`), as the kernel's own list has it.
        fn is_accounted(at: LPVOID) -> bool {
            let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let mut within = false;
            for line in text.lines() {
                if let Some(flags) = line.strip_prefix("VmFlags:") {
                    if within {
                        return flags.split(' ').any(|flag| flag == "ac");
                    }
                } else if let Some((start, rest)) = line.split_once('-')
                    && let Ok(start) = usize::from_str_radix(start, 16)
                {
                    let end = rest.split(' ').next().unwrap();
                    let end = usize::from_str_radix(end, 16).unwrap();
                    within = (start..end).contains(&at.addr());
                }
            }
            panic!("it is not mapped");
        }
        let memory = apart(1 << 30, MEM_RESERVE, PAGE_READWRITE);
        assert!(!is_accounted(memory));
        allocate(memory, 1 << 20, MEM_COMMIT, PAGE_READWRITE).unwrap();
        assert!(is_accounted(memory));
        assert!(!is_accounted(memory.wrapping_byte_add(1 << 20)));
        free(memory, 0, MEM_DECOMMIT).unwrap();
        assert!(!is_accounted(memory));
        release(memory);
    }

    #[test]
    fn at_an_address_of_the_callers_choice() {
        let memory = unused();
        let wanted = memory.wrapping_byte_add(KIB_64 + 5000);
        let got = allocate(wanted, page(), BOTH, PAGE_READWRITE).unwrap();
        assert_eq!(got, memory.wrapping_byte_add(KIB_64));
        // From the multiple of 64 KiB on to the page of the last byte.
        let last = wanted.wrapping_byte_add(page() - 1);
        write(got, 1).unwrap();
        write(last, 1).unwrap();
        // It is there now.
        for how in [MEM_RESERVE, BOTH] {
            let answer = allocate(got, page(), how, PAGE_READWRITE);
            assert_eq!(answer, Err(Code::INVALID_ADDRESS));
        }
        release(got);
    }

    #[test]
    fn what_cannot_be_allocated() {
        let none = null_mut();
        for (bytes, how, protection) in [
            (0, BOTH, PAGE_READWRITE),
            (1, 0, PAGE_READWRITE),
            (1, MEM_DECOMMIT, PAGE_READWRITE),
            (1, BOTH | 0x10_0000, PAGE_READWRITE),
            (1, BOTH, 0),
            (1, BOTH, PAGE_WRITECOPY),
            (1, BOTH, PAGE_EXECUTE_WRITECOPY),
            (1, BOTH, PAGE_READONLY | PAGE_READWRITE),
            (1, BOTH, PAGE_READWRITE | 0x100),
            (usize::MAX, MEM_RESERVE, PAGE_READWRITE),
            (usize::MAX - KIB_64, MEM_RESERVE, PAGE_READWRITE),
        ] {
            let answer = allocate(none, bytes, how, protection);
            assert_eq!(
                answer,
                Err(Code::INVALID_PARAMETER),
                "{bytes} {how} {protection}"
            );
        }
        let addresses = application_addresses();
        for start in [1, 4096, addresses.start - 1, addresses.end] {
            let at = std::ptr::without_provenance_mut(start);
            for how in [MEM_RESERVE, BOTH] {
                let answer = allocate(at, 1, how, PAGE_READWRITE);
                assert_eq!(answer, Err(Code::INVALID_PARAMETER), "{start:#x}");
            }
            let answer = allocate(at, 1, MEM_COMMIT, PAGE_READWRITE);
            assert_eq!(answer, Err(Code::INVALID_ADDRESS), "{start:#x}");
        }
        let most = addresses.end - addresses.start;
        let answer = allocate(none, most, MEM_RESERVE, PAGE_READWRITE);
        assert_eq!(answer, Err(Code::NOT_ENOUGH_MEMORY));
        // To commit what is not reserved.
        let foreign = Pages::new(1);
        let own = apart(page(), MEM_RESERVE, PAGE_READWRITE);
        for (at, bytes) in [
            (foreign.at(0), 1),
            (own, page() + 1),
            (own.wrapping_byte_add(page()), 1),
            (own.wrapping_byte_sub(page()), 2 * page()),
        ] {
            let answer = allocate(at, bytes, MEM_COMMIT, PAGE_READWRITE);
            assert_eq!(answer, Err(Code::INVALID_ADDRESS));
        }
        assert!(is(foreign.at(0), "rw-p"));
        release(own);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn more_than_may_be_committed() {
        let policy = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap();
        // Of a kernel that commits whatever is asked for there is nothing to see.
        if policy.trim() == "1" {
            return;
        }
        // No other test's memory is between this address and one so much higher.
        let at: LPVOID = std::ptr::without_provenance_mut(1 << 45);
        let answer = allocate(at, 1 << 44, BOTH, PAGE_READWRITE);
        assert_eq!(answer, Err(Code::NOT_ENOUGH_MEMORY));
        assert_eq!(permissions(at), None);
        assert_eq!(allocate(at, 1 << 44, MEM_RESERVE, PAGE_READWRITE), Ok(at));
        let answer = allocate(at, 1 << 44, MEM_COMMIT, PAGE_READWRITE);
        assert_eq!(answer, Err(Code::NOT_ENOUGH_MEMORY));
        assert!(is(at, "---p"));
        release(at);
    }

    #[test]
    fn only_what_was_allocated_is_freed_and_once() {
        let foreign = Pages::new(2);
        foreign.put(0, &[5]);
        let own = apart(2 * page(), BOTH, PAGE_READWRITE);
        write(own, 6).unwrap();
        for at in [
            null_mut(),
            foreign.at(0),
            foreign.at(page()),
            own.wrapping_byte_add(page()),
            own.wrapping_byte_add(1),
        ] {
            assert_eq!(free(at, 0, MEM_RELEASE), Err(Code::INVALID_ADDRESS));
            assert_eq!(free(at, 0, MEM_DECOMMIT), Err(Code::INVALID_ADDRESS));
        }
        for (at, bytes) in [
            (foreign.at(0), 1),
            (own, 2 * page() + 1),
            (own.wrapping_byte_sub(1), 2),
        ] {
            assert_eq!(free(at, bytes, MEM_DECOMMIT), Err(Code::INVALID_ADDRESS));
        }
        for (bytes, how) in [
            (page(), MEM_RELEASE),
            (0, 0),
            (0, MEM_RELEASE | MEM_DECOMMIT),
            (0, MEM_COMMIT),
            (usize::MAX, MEM_DECOMMIT),
        ] {
            assert_eq!(free(own, bytes, how), Err(Code::INVALID_PARAMETER));
        }
        assert_eq!((read(foreign.at(0)), read(own)), (Ok(5), Ok(6)));
        release(own);
        assert_eq!(free(own, 0, MEM_RELEASE), Err(Code::INVALID_ADDRESS));
        assert_eq!(free(own, 1, MEM_DECOMMIT), Err(Code::INVALID_ADDRESS));
    }

    #[test]
    fn what_was_unmapped_without_asking_is_forgotten() {
        let memory = apart(KIB_64, BOTH, PAGE_READWRITE);
        // SAFETY: it is this test's own.
        unsafe { libc::munmap(memory, KIB_64) };
        shared::with_reservations(|all| {
            let middle = memory.addr() + page();
            all.insert(middle..middle + page());
            assert_eq!(all.starting_at(memory.addr()), Err(Code::INVALID_ADDRESS));
            assert!(all.release(middle).is_ok());
        });
        assert_eq!(free(memory, 0, MEM_RELEASE), Err(Code::INVALID_ADDRESS));
    }

    #[test]
    fn many_threads_allocate_and_free() {
        std::thread::scope(|scope| {
            for byte in 0..4 {
                scope.spawn(move || {
                    for round in 1..100 {
                        let memory = anywhere(round * 777, MEM_RESERVE, PAGE_READWRITE);
                        allocate(memory, round * 777, MEM_COMMIT, PAGE_READWRITE).unwrap();
                        write(memory, byte).unwrap();
                        assert_eq!(old_protection(memory, PAGE_READONLY), Ok(PAGE_READWRITE));
                        assert_eq!(read(memory), Ok(byte));
                        release(memory);
                    }
                });
            }
        });
    }

    #[test]
    fn memory_of_others_is_protected_too() {
        let pages = Pages::new(3);
        pages.put(page(), &[1]);
        let second = pages.at(page());
        assert_eq!(old_protection(second, PAGE_READONLY), Ok(PAGE_READWRITE));
        assert!(is(pages.at(0), "rw-p") && is(second, "r--p"));
        assert!(is(pages.at(2 * page()), "rw-p"));
        assert_eq!(write(second, 2), Err(Code::NOACCESS));
        // Of several, the first one's is told.
        let mut old = 0;
        let answer = change_protection(second, 2 * page(), PAGE_READWRITE, &mut old);
        assert_eq!((answer, old), (Ok(TRUE), PAGE_READONLY));
        write(second, 2).unwrap();
        // A page that was only read is the kernel's page of zeros, but not to the caller.
        assert_eq!(read(pages.at(0)), Ok(0));
        assert_eq!(
            old_protection(pages.at(0), PAGE_READWRITE),
            Ok(PAGE_READWRITE)
        );
    }

    #[test]
    fn nothing_changes_where_not_all_is_mapped() {
        let pages = Pages::new(3);
        // SAFETY: it is this test's own.
        unsafe { libc::munmap(pages.at(page()), page()) };
        let mut old = 77;
        for (at, bytes) in [
            (pages.at(0), 3 * page()),
            (pages.at(page()), 1),
            (null_mut(), 1),
        ] {
            let answer = change_protection(at, bytes, PAGE_READONLY, &mut old);
            assert_eq!((answer, old), (Err(Code::INVALID_ADDRESS), 77));
        }
        assert!(is(pages.at(0), "rw-p"));
        let own = apart(3 * page(), MEM_RESERVE, PAGE_READWRITE);
        allocate(own, 2 * page(), MEM_COMMIT, PAGE_READWRITE).unwrap();
        for (at, bytes) in [
            (own, 3 * page()),
            (own.wrapping_byte_sub(1), 2),
            (own.wrapping_byte_add(2 * page()), 1),
        ] {
            let answer = change_protection(at, bytes, PAGE_READONLY, &mut old);
            assert_eq!((answer, old), (Err(Code::INVALID_ADDRESS), 77));
        }
        assert!(is(own, "rw-p"));
        release(own);
    }

    #[test]
    fn the_old_protection_has_to_be_told() {
        let read_only = Pages::new(1);
        read_only.protect(libc::PROT_READ);
        let foreign = Pages::new(1);
        let own = apart(1, BOTH, PAGE_READWRITE);
        for memory in [foreign.at(0), own] {
            for old in [null_mut(), read_only.at(0).cast()] {
                let answer = change_protection(memory, 1, PAGE_READONLY, old);
                assert_eq!(answer, Err(Code::NOACCESS));
                assert!(is(memory, "rw-p"));
            }
        }
        release(own);
        // It is told before it may not be any more.
        let pages = Pages::new(1);
        let old = pages.at(64).cast::<DWORD>();
        assert_eq!(
            change_protection(pages.at(0), 1, PAGE_READONLY, old),
            Ok(TRUE)
        );
        assert_eq!(caller::read(old), Ok(PAGE_READWRITE));
    }

    #[test]
    fn protections_that_there_are_not() {
        let pages = Pages::new(1);
        let mut old = 0;
        for protection in [0, 3, 0x104, 0x204, 0x404, PAGE_WRITECOPY, DWORD::MAX] {
            let answer = change_protection(pages.at(0), 1, protection, &mut old);
            assert_eq!(answer, Err(Code::INVALID_PARAMETER));
        }
        let answer = change_protection(pages.at(0), 0, PAGE_READONLY, &mut old);
        assert_eq!(answer, Err(Code::INVALID_PARAMETER));
    }

    /// A page of a file, and the same one behind the file's end.
    fn map_file(file: &File, flags: i32, protection: i32) -> LPVOID {
        // SAFETY: the kernel chooses the place.
        let at = unsafe {
            libc::mmap(
                null_mut(),
                2 * page(),
                protection,
                flags,
                file.as_raw_fd(),
                0,
            )
        };
        assert_ne!(at, libc::MAP_FAILED);
        at
    }

    #[test]
    fn a_file_that_is_mapped_privately_is_copied_on_write() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &vec![1; page()]).unwrap();
        let at = map_file(&file, libc::MAP_PRIVATE, libc::PROT_READ);
        assert_eq!(old_protection(at, PAGE_WRITECOPY), Ok(PAGE_READONLY));
        assert!(is(at, "rw-p"));
        assert_eq!(old_protection(at, PAGE_WRITECOPY), Ok(PAGE_WRITECOPY));
        write(at, 2).unwrap();
        assert_eq!(old_protection(at, PAGE_READONLY), Ok(PAGE_READWRITE));
        let shared = map_file(&file, libc::MAP_SHARED, libc::PROT_READ);
        assert_eq!(
            old_protection(shared, PAGE_WRITECOPY),
            Err(Code::INVALID_PARAMETER)
        );
        assert_eq!(old_protection(shared, PAGE_READWRITE), Ok(PAGE_READONLY));
        assert_eq!(old_protection(shared, PAGE_READONLY), Ok(PAGE_READWRITE));
        for at in [at, shared] {
            // SAFETY: it is this test's own.
            unsafe { libc::munmap(at, 2 * page()) };
        }
    }

    #[test]
    fn what_the_file_does_not_allow() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![1; page()]).unwrap();
        let file = File::open(file.path()).unwrap();
        let at = map_file(&file, libc::MAP_SHARED, libc::PROT_READ);
        assert_eq!(old_protection(at, PAGE_READWRITE), Err(Code::ACCESS_DENIED));
        // SAFETY: it is this test's own.
        unsafe { libc::munmap(at, 2 * page()) };
    }

    /// Whether the kernel has it locked (`lo`): a mapping's flags in `smaps`.
    fn is_locked(at: LPVOID) -> bool {
        let pages = own_process()
            .unwrap()
            .process
            .query_pages(&[at.addr() as u64]);
        pages.unwrap()[0]
            .attributes
            .contains(PageAttributes::LOCKED)
    }

    /// Tests that lock memory go one after the other, since one looks at how much is.
    static LOCKING: std::sync::Mutex<()> = std::sync::Mutex::new(());

    fn locked_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }

    #[test]
    fn what_is_locked_is_in_memory_until_it_is_unlocked() {
        let _one_at_a_time = LOCKING.lock();
        let memory = apart(4 * page(), BOTH, PAGE_READWRITE);
        let before = locked_kib();
        let second = memory.wrapping_byte_add(page());
        assert_eq!(lock(second.wrapping_byte_add(page() - 1), 2), Ok(TRUE));
        assert_eq!(locked_kib() - before, 2 * page_size() / 1024);
        let mut resident = [0u8; 4];
        // SAFETY: there is a byte for each page.
        unsafe { libc::mincore(memory, 4 * page(), resident.as_mut_ptr()) };
        assert_eq!(resident.map(|it| it & 1), [0, 1, 1, 0]);
        assert!(is_locked(second) && !is_locked(memory));
        // Not all of it: nothing is unlocked.
        assert_eq!(unlock(memory, 4 * page()), Err(Code::NOT_LOCKED));
        assert_eq!(locked_kib() - before, 2 * page_size() / 1024);
        assert_eq!(unlock(second, 2 * page()), Ok(TRUE));
        assert_eq!(locked_kib(), before);
        assert_eq!(unlock(second, 2 * page()), Err(Code::NOT_LOCKED));
        release(memory);
    }

    #[test]
    fn what_cannot_be_locked() {
        let _one_at_a_time = LOCKING.lock();
        let before = locked_kib();
        let pages = Pages::new(3);
        // SAFETY: it is this test's own.
        unsafe { libc::munmap(pages.at(page()), page()) };
        let reserved = apart(page(), MEM_RESERVE, PAGE_READWRITE);
        let no_access = apart(page(), BOTH, PAGE_NOACCESS);
        let file = tempfile::tempfile().unwrap();
        let empty_file = map_file(&file, libc::MAP_SHARED, libc::PROT_READ);
        for (at, bytes) in [
            (null_mut(), 1),
            (pages.at(0), 3 * page()),
            (pages.at(page()), 1),
            (reserved, 1),
            (no_access, 1),
            (empty_file, 1),
        ] {
            assert_eq!(lock(at, bytes), Err(Code::NOACCESS));
            assert_eq!(unlock(at, bytes), Err(Code::NOT_LOCKED));
        }
        for (at, bytes) in [(pages.at(0), 0), (pages.at(0), usize::MAX)] {
            assert_eq!(lock(at, bytes), Err(Code::INVALID_PARAMETER));
            assert_eq!(unlock(at, bytes), Err(Code::INVALID_PARAMETER));
        }
        assert_eq!(locked_kib(), before);
        release(reserved);
        release(no_access);
        // SAFETY: it is this test's own.
        unsafe { libc::munmap(empty_file, 2 * page()) };
    }

    #[test]
    fn more_than_may_be_locked() {
        let _one_at_a_time = LOCKING.lock();
        let memory = apart(16 * page(), BOTH, PAGE_READWRITE);
        // In a child, so that the limit is no other test's, and without the privilege to ignore it.
        // SAFETY: the child ends without returning; until then it does what a thread may that is
        // alone, and a fork finds the library's locks free.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: these change only the child.
            unsafe {
                let limit = libc::rlimit {
                    rlim_cur: page_size(),
                    rlim_max: page_size(),
                };
                libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit);
                // It takes the privilege from root.
                libc::setuid(65534);
                // That made the process one that others, and its own `/proc`, may not look into.
                libc::prctl(libc::PR_SET_DUMPABLE, 1);
            }
            let answer = lock(memory, 16 * page());
            // SAFETY: it only ends.
            unsafe { libc::_exit(i32::from(answer != Err(Code::WORKING_SET_QUOTA))) };
        }
        let mut status = -1;
        // SAFETY: there is room for the status.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0);
        release(memory);
    }

    #[test]
    fn strings_may_end_with_what_is_allocated() {
        let memory = apart(page(), BOTH, PAGE_READWRITE);
        let at = memory.wrapping_byte_add(page() - 1).cast::<CHAR>();
        assert_eq!(super::super::module::handle(at), Err(Code::MOD_NOT_FOUND));
        release(memory);
    }
}
