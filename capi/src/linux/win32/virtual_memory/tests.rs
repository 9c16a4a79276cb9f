use std::ffi::c_void;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::ptr::null_mut;

use super::*;
use crate::linux::test_memory::{Pages, permissions, unused_address};
use crate::types::CHAR;

const KIB_64: usize = 64 * 1024;
const RESERVE_COMMIT: DWORD = MEM_RESERVE | MEM_COMMIT;

fn page() -> usize {
    page_size() as usize
}

/// Allocates at an address that no other test uses, even after this memory is released.
fn allocate_isolated(bytes: usize, flags: DWORD, protection: DWORD) -> LPVOID {
    let at = unused_address();
    assert_eq!(allocate(at, bytes, flags | MEM_RESERVE, protection), Ok(at));
    at
}

/// Allocates at an address that the library chooses.
fn allocate_anywhere(bytes: usize, flags: DWORD, protection: DWORD) -> LPVOID {
    allocate(null_mut(), bytes, flags, protection).unwrap()
}

fn release(address: LPVOID) {
    assert_eq!(free(address, 0, MEM_RELEASE), Ok(TRUE));
}

/// Returns true if the mapping at an address has the permissions, as in `/proc/self/maps`.
fn has_permissions(at: *const c_void, expected: &str) -> bool {
    permissions(at).as_deref() == Some(expected)
}

fn write(at: LPVOID, byte: u8) -> Result<()> {
    user_memory::write(at.cast(), &byte)
}

fn read(at: LPVOID) -> Result<u8> {
    user_memory::read(at.cast())
}

/// Changes the protection of a page and returns the old one.
fn reprotect(at: LPVOID, protection: DWORD) -> Result<DWORD> {
    let mut old = 0;
    change_protection(at, 1, protection, &mut old)?;
    Ok(old)
}

#[test]
fn cannot_lock_more_than_physical_memory() {
    // The pages use no memory, because nothing accesses them.
    let at = allocate_anywhere(1 << 45, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    assert_eq!(lock(at, 1 << 45), Err(Win32Error::WORKING_SET_QUOTA));
    release(at);
}

#[test]
fn committed_memory_is_zero_and_writable() {
    for flags in [MEM_COMMIT, RESERVE_COMMIT] {
        let memory = allocate_anywhere(3 * page() - 5, flags, PAGE_READWRITE);
        assert_eq!(memory.addr() % KIB_64, 0);
        let last = memory.wrapping_byte_add(3 * page() - 1);
        for at in [memory, last] {
            assert_eq!(read(at), Ok(0));
            write(at, 9).unwrap();
            assert_eq!(read(at), Ok(9));
        }
        release(memory);
    }
    let memory = allocate_isolated(1, RESERVE_COMMIT, PAGE_READWRITE);
    write(memory, 1).unwrap();
    release(memory);
    assert_eq!(read(memory), Err(Win32Error::NOACCESS));
}

#[test]
fn protections_match_proc_maps() {
    for (protection, shown) in [
        (PAGE_NOACCESS, "---p"),
        (PAGE_READONLY, "r--p"),
        (PAGE_READWRITE, "rw-p"),
        (PAGE_EXECUTE, "--xp"),
        (PAGE_EXECUTE_READ, "r-xp"),
        (PAGE_EXECUTE_READWRITE, "rwxp"),
    ] {
        let memory = allocate_isolated(1, RESERVE_COMMIT, protection);
        assert!(has_permissions(memory, shown), "{protection:#x}");
        assert_eq!(reprotect(memory, PAGE_READONLY), Ok(protection));
        assert_eq!(reprotect(memory, protection), Ok(PAGE_READONLY));
        assert!(has_permissions(memory, shown));
        release(memory);
    }
}

#[test]
fn commits_reservation_page_by_page() {
    let memory = allocate_isolated(10 * page(), MEM_RESERVE, PAGE_READWRITE);
    assert!(has_permissions(memory, "---p"));
    assert_eq!(read(memory), Err(Win32Error::NOACCESS));
    // A range of two bytes that straddles two pages commits both pages.
    let third = memory.wrapping_byte_add(2 * page());
    let in_second = third.wrapping_byte_sub(1);
    let result = allocate(in_second, 2, MEM_COMMIT, PAGE_READWRITE);
    assert_eq!(result, Ok(memory.wrapping_byte_add(page())));
    write(in_second, 1).unwrap();
    write(third, 2).unwrap();
    assert_eq!(read(memory), Err(Win32Error::NOACCESS));
    let fourth = third.wrapping_byte_add(page());
    assert_eq!(read(fourth), Err(Win32Error::NOACCESS));
    // Committing all pages again keeps contents and changes the protection.
    let result = allocate(memory, 10 * page(), MEM_COMMIT, PAGE_READONLY);
    assert_eq!(result, Ok(memory));
    assert_eq!(
        (read(in_second), read(third), read(fourth)),
        (Ok(1), Ok(2), Ok(0))
    );
    assert!(has_permissions(third, "r--p"));
    release(memory);
}

#[test]
fn decommitted_pages_stay_reserved() {
    let memory = allocate_isolated(4 * page(), RESERVE_COMMIT, PAGE_READWRITE);
    (0..4).for_each(|index| write(memory.wrapping_byte_add(index * page()), 7).unwrap());
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
        (Err(Win32Error::NOACCESS), Err(Win32Error::NOACCESS))
    );
    assert!(has_permissions(second, "---p"));
    // Decommitting uncommitted pages succeeds.
    assert_eq!(free(memory, 4 * page(), MEM_DECOMMIT), Ok(TRUE));
    assert_eq!(free(memory, 0, MEM_DECOMMIT), Ok(TRUE));
    assert_eq!(
        reprotect(memory, PAGE_READWRITE),
        Err(Win32Error::INVALID_ADDRESS)
    );
    allocate(memory, 4 * page(), MEM_COMMIT, PAGE_READWRITE).unwrap();
    (0..4).for_each(|index| assert_eq!(read(memory.wrapping_byte_add(index * page())), Ok(0)));
    release(memory);
}

#[test]
fn only_committed_pages_are_charged() {
    /// Returns true if the mapping at an address counts towards the commit charge: the flag `ac` in
    /// `/proc/self/smaps`.
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
        panic!("nothing is mapped at {at:p}");
    }
    let memory = allocate_isolated(1 << 30, MEM_RESERVE, PAGE_READWRITE);
    assert!(!is_accounted(memory));
    allocate(memory, 1 << 20, MEM_COMMIT, PAGE_READWRITE).unwrap();
    assert!(is_accounted(memory));
    assert!(!is_accounted(memory.wrapping_byte_add(1 << 20)));
    free(memory, 0, MEM_DECOMMIT).unwrap();
    assert!(!is_accounted(memory));
    release(memory);
}

#[test]
fn allocates_at_requested_address() {
    let memory = unused_address();
    let wanted = memory.wrapping_byte_add(KIB_64 + 5000);
    let got = allocate(wanted, page(), RESERVE_COMMIT, PAGE_READWRITE).unwrap();
    assert_eq!(got, memory.wrapping_byte_add(KIB_64));
    // The allocation extends from a multiple of 64 KiB to the page of the last byte.
    let last = wanted.wrapping_byte_add(page() - 1);
    write(got, 1).unwrap();
    write(last, 1).unwrap();
    // The address is in use now.
    for flags in [MEM_RESERVE, RESERVE_COMMIT] {
        let result = allocate(got, page(), flags, PAGE_READWRITE);
        assert_eq!(result, Err(Win32Error::INVALID_ADDRESS));
    }
    release(got);
}

#[test]
fn allocate_rejects_invalid_arguments() {
    let none = null_mut();
    for (bytes, flags, protection) in [
        (0, RESERVE_COMMIT, PAGE_READWRITE),
        (1, 0, PAGE_READWRITE),
        (1, MEM_DECOMMIT, PAGE_READWRITE),
        (1, RESERVE_COMMIT | 0x10_0000, PAGE_READWRITE),
        (1, RESERVE_COMMIT, 0),
        (1, RESERVE_COMMIT, PAGE_WRITECOPY),
        (1, RESERVE_COMMIT, PAGE_EXECUTE_WRITECOPY),
        (1, RESERVE_COMMIT, PAGE_READONLY | PAGE_READWRITE),
        (1, RESERVE_COMMIT, PAGE_READWRITE | 0x100),
        (usize::MAX, MEM_RESERVE, PAGE_READWRITE),
        (usize::MAX - KIB_64, MEM_RESERVE, PAGE_READWRITE),
    ] {
        let result = allocate(none, bytes, flags, protection);
        assert_eq!(
            result,
            Err(Win32Error::INVALID_PARAMETER),
            "{bytes} {flags} {protection}"
        );
    }
    let addresses = application_addresses();
    for start in [1, 4096, addresses.start - 1, addresses.end] {
        let at = std::ptr::without_provenance_mut(start);
        for flags in [MEM_RESERVE, RESERVE_COMMIT] {
            let result = allocate(at, 1, flags, PAGE_READWRITE);
            assert_eq!(result, Err(Win32Error::INVALID_PARAMETER), "{start:#x}");
        }
        let result = allocate(at, 1, MEM_COMMIT, PAGE_READWRITE);
        assert_eq!(result, Err(Win32Error::INVALID_ADDRESS), "{start:#x}");
    }
    let most = addresses.end - addresses.start;
    let result = allocate(none, most, MEM_RESERVE, PAGE_READWRITE);
    assert_eq!(result, Err(Win32Error::NOT_ENOUGH_MEMORY));
    // Memory that is not reserved cannot be committed.
    let foreign = Pages::new(1);
    let own = allocate_isolated(page(), MEM_RESERVE, PAGE_READWRITE);
    for (at, bytes) in [
        (foreign.at(0), 1),
        (own, page() + 1),
        (own.wrapping_byte_add(page()), 1),
        (own.wrapping_byte_sub(page()), 2 * page()),
    ] {
        let result = allocate(at, bytes, MEM_COMMIT, PAGE_READWRITE);
        assert_eq!(result, Err(Win32Error::INVALID_ADDRESS));
    }
    assert!(has_permissions(foreign.at(0), "rw-p"));
    release(own);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn commit_fails_beyond_commit_limit() {
    let policy = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").unwrap();
    // With policy 1 the kernel grants every commit, so the failure cannot be tested.
    if policy.trim() == "1" {
        return;
    }
    // No other test allocates in the 16 TiB above this address.
    let at: LPVOID = std::ptr::without_provenance_mut(1 << 45);
    let result = allocate(at, 1 << 44, RESERVE_COMMIT, PAGE_READWRITE);
    assert_eq!(result, Err(Win32Error::NOT_ENOUGH_MEMORY));
    assert_eq!(permissions(at), None);
    assert_eq!(allocate(at, 1 << 44, MEM_RESERVE, PAGE_READWRITE), Ok(at));
    let result = allocate(at, 1 << 44, MEM_COMMIT, PAGE_READWRITE);
    assert_eq!(result, Err(Win32Error::NOT_ENOUGH_MEMORY));
    assert!(has_permissions(at, "---p"));
    release(at);
}

#[test]
fn frees_only_own_memory_once() {
    let foreign = Pages::new(2);
    foreign.put(0, &[5]);
    let own = allocate_isolated(2 * page(), RESERVE_COMMIT, PAGE_READWRITE);
    write(own, 6).unwrap();
    for at in [
        null_mut(),
        foreign.at(0),
        foreign.at(page()),
        own.wrapping_byte_add(page()),
        own.wrapping_byte_add(1),
    ] {
        assert_eq!(free(at, 0, MEM_RELEASE), Err(Win32Error::INVALID_ADDRESS));
        assert_eq!(free(at, 0, MEM_DECOMMIT), Err(Win32Error::INVALID_ADDRESS));
    }
    for (at, bytes) in [
        (foreign.at(0), 1),
        (own, 2 * page() + 1),
        (own.wrapping_byte_sub(1), 2),
    ] {
        assert_eq!(
            free(at, bytes, MEM_DECOMMIT),
            Err(Win32Error::INVALID_ADDRESS)
        );
    }
    for (bytes, flags) in [
        (page(), MEM_RELEASE),
        (0, 0),
        (0, MEM_RELEASE | MEM_DECOMMIT),
        (0, MEM_COMMIT),
        (usize::MAX, MEM_DECOMMIT),
    ] {
        assert_eq!(free(own, bytes, flags), Err(Win32Error::INVALID_PARAMETER));
    }
    assert_eq!((read(foreign.at(0)), read(own)), (Ok(5), Ok(6)));
    release(own);
    assert_eq!(free(own, 0, MEM_RELEASE), Err(Win32Error::INVALID_ADDRESS));
    assert_eq!(free(own, 1, MEM_DECOMMIT), Err(Win32Error::INVALID_ADDRESS));
}

#[test]
fn insert_replaces_unmapped_reservation() {
    let memory = allocate_isolated(KIB_64, RESERVE_COMMIT, PAGE_READWRITE);
    // SAFETY: this test owns the mapping, and no reference covers it.
    unsafe { libc::munmap(memory, KIB_64) };
    state::with_reservations(|reservations| {
        let middle = memory.addr() + page();
        reservations.insert(middle..middle + page());
        assert_eq!(
            reservations.starting_at(memory.addr()),
            Err(Win32Error::INVALID_ADDRESS)
        );
        assert!(reservations.release(middle).is_ok());
    });
    assert_eq!(
        free(memory, 0, MEM_RELEASE),
        Err(Win32Error::INVALID_ADDRESS)
    );
}

#[test]
fn threads_allocate_concurrently() {
    std::thread::scope(|scope| {
        for byte in 0..4 {
            scope.spawn(move || {
                for round in 1..100 {
                    let memory = allocate_anywhere(round * 777, MEM_RESERVE, PAGE_READWRITE);
                    allocate(memory, round * 777, MEM_COMMIT, PAGE_READWRITE).unwrap();
                    write(memory, byte).unwrap();
                    assert_eq!(reprotect(memory, PAGE_READONLY), Ok(PAGE_READWRITE));
                    assert_eq!(read(memory), Ok(byte));
                    release(memory);
                }
            });
        }
    });
}

#[test]
fn protects_memory_of_other_allocators() {
    let pages = Pages::new(3);
    pages.put(page(), &[1]);
    let second = pages.at(page());
    assert_eq!(reprotect(second, PAGE_READONLY), Ok(PAGE_READWRITE));
    assert!(has_permissions(pages.at(0), "rw-p") && has_permissions(second, "r--p"));
    assert!(has_permissions(pages.at(2 * page()), "rw-p"));
    assert_eq!(write(second, 2), Err(Win32Error::NOACCESS));
    // For several pages, the old protection is that of the first.
    let mut old = 0;
    let result = change_protection(second, 2 * page(), PAGE_READWRITE, &mut old);
    assert_eq!((result, old), (Ok(TRUE), PAGE_READONLY));
    write(second, 2).unwrap();
    // A page that was only read maps the kernel's zero page copy-on-write. The API hides that.
    assert_eq!(read(pages.at(0)), Ok(0));
    assert_eq!(reprotect(pages.at(0), PAGE_READWRITE), Ok(PAGE_READWRITE));
}

#[test]
fn protect_rejects_partly_mapped_range() {
    let pages = Pages::new(3);
    // SAFETY: this test owns the mapping, and no reference covers it.
    unsafe { libc::munmap(pages.at(page()), page()) };
    let mut old = 77;
    for (at, bytes) in [
        (pages.at(0), 3 * page()),
        (pages.at(page()), 1),
        (null_mut(), 1),
    ] {
        let result = change_protection(at, bytes, PAGE_READONLY, &mut old);
        assert_eq!((result, old), (Err(Win32Error::INVALID_ADDRESS), 77));
    }
    assert!(has_permissions(pages.at(0), "rw-p"));
    let own = allocate_isolated(3 * page(), MEM_RESERVE, PAGE_READWRITE);
    allocate(own, 2 * page(), MEM_COMMIT, PAGE_READWRITE).unwrap();
    for (at, bytes) in [
        (own, 3 * page()),
        (own.wrapping_byte_sub(1), 2),
        (own.wrapping_byte_add(2 * page()), 1),
    ] {
        let result = change_protection(at, bytes, PAGE_READONLY, &mut old);
        assert_eq!((result, old), (Err(Win32Error::INVALID_ADDRESS), 77));
    }
    assert!(has_permissions(own, "rw-p"));
    release(own);
}

#[test]
fn protect_requires_writable_old_pointer() {
    let read_only = Pages::new(1);
    read_only.protect(libc::PROT_READ);
    let foreign = Pages::new(1);
    let own = allocate_isolated(1, RESERVE_COMMIT, PAGE_READWRITE);
    for memory in [foreign.at(0), own] {
        for old in [null_mut(), read_only.at(0).cast()] {
            let result = change_protection(memory, 1, PAGE_READONLY, old);
            assert_eq!(result, Err(Win32Error::NOACCESS));
            assert!(has_permissions(memory, "rw-p"));
        }
    }
    release(own);
    // `old` is in the page that becomes read-only, so it must be written first.
    let pages = Pages::new(1);
    let old = pages.at(64).cast::<DWORD>();
    assert_eq!(
        change_protection(pages.at(0), 1, PAGE_READONLY, old),
        Ok(TRUE)
    );
    assert_eq!(user_memory::read(old), Ok(PAGE_READWRITE));
}

#[test]
fn protect_rejects_invalid_protection() {
    let pages = Pages::new(1);
    let mut old = 0;
    for protection in [0, 3, 0x104, 0x204, 0x404, PAGE_WRITECOPY, DWORD::MAX] {
        let result = change_protection(pages.at(0), 1, protection, &mut old);
        assert_eq!(result, Err(Win32Error::INVALID_PARAMETER));
    }
    let result = change_protection(pages.at(0), 0, PAGE_READONLY, &mut old);
    assert_eq!(result, Err(Win32Error::INVALID_PARAMETER));
}

/// Maps two pages of a file that has one page or less.
fn map_file(file: &File, flags: i32, protection: i32) -> LPVOID {
    // SAFETY: without `MAP_FIXED`, the mapping replaces nothing.
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
fn private_file_mapping_is_writecopy() {
    let mut file = tempfile::tempfile().unwrap();
    io::Write::write_all(&mut file, &vec![1; page()]).unwrap();
    let at = map_file(&file, libc::MAP_PRIVATE, libc::PROT_READ);
    assert_eq!(reprotect(at, PAGE_WRITECOPY), Ok(PAGE_READONLY));
    assert!(has_permissions(at, "rw-p"));
    assert_eq!(reprotect(at, PAGE_WRITECOPY), Ok(PAGE_WRITECOPY));
    write(at, 2).unwrap();
    assert_eq!(reprotect(at, PAGE_READONLY), Ok(PAGE_READWRITE));
    let shared = map_file(&file, libc::MAP_SHARED, libc::PROT_READ);
    assert_eq!(
        reprotect(shared, PAGE_WRITECOPY),
        Err(Win32Error::INVALID_PARAMETER)
    );
    assert_eq!(reprotect(shared, PAGE_READWRITE), Ok(PAGE_READONLY));
    assert_eq!(reprotect(shared, PAGE_READONLY), Ok(PAGE_READWRITE));
    for at in [at, shared] {
        // SAFETY: this test owns the mapping, and no reference covers it.
        unsafe { libc::munmap(at, 2 * page()) };
    }
}

#[test]
fn read_only_file_cannot_become_writable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![1; page()]).unwrap();
    let file = File::open(file.path()).unwrap();
    let at = map_file(&file, libc::MAP_SHARED, libc::PROT_READ);
    assert_eq!(
        reprotect(at, PAGE_READWRITE),
        Err(Win32Error::ACCESS_DENIED)
    );
    // SAFETY: this test owns the mapping, and no reference covers it.
    unsafe { libc::munmap(at, 2 * page()) };
}

/// Returns true if the page at an address is locked in memory.
fn is_locked(at: LPVOID) -> bool {
    let pages = own_process()
        .unwrap()
        .process
        .query_pages(&[at.addr() as u64]);
    pages.unwrap()[0]
        .attributes
        .contains(PageAttributes::LOCKED)
}

/// Serializes tests that lock memory, because they compare `VmLck` of the whole process.
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
fn locked_pages_are_resident() {
    let _serialized = LOCKING.lock();
    let memory = allocate_isolated(4 * page(), RESERVE_COMMIT, PAGE_READWRITE);
    let before = locked_kib();
    let second = memory.wrapping_byte_add(page());
    assert_eq!(lock(second.wrapping_byte_add(page() - 1), 2), Ok(TRUE));
    assert_eq!(locked_kib() - before, 2 * page_size() / 1024);
    let mut resident = [0u8; 4];
    // SAFETY: `resident` has a byte for each page of the range.
    unsafe { libc::mincore(memory, 4 * page(), resident.as_mut_ptr()) };
    assert_eq!(resident.map(|byte| byte & 1), [0, 1, 1, 0]);
    assert!(is_locked(second) && !is_locked(memory));
    // If only some pages are locked, nothing is unlocked.
    assert_eq!(unlock(memory, 4 * page()), Err(Win32Error::NOT_LOCKED));
    assert_eq!(locked_kib() - before, 2 * page_size() / 1024);
    assert_eq!(unlock(second, 2 * page()), Ok(TRUE));
    assert_eq!(locked_kib(), before);
    assert_eq!(unlock(second, 2 * page()), Err(Win32Error::NOT_LOCKED));
    release(memory);
}

#[test]
fn lock_rejects_unmapped_or_inaccessible_pages() {
    let _serialized = LOCKING.lock();
    let before = locked_kib();
    let pages = Pages::new(3);
    // SAFETY: this test owns the mapping, and no reference covers it.
    unsafe { libc::munmap(pages.at(page()), page()) };
    let reserved = allocate_isolated(page(), MEM_RESERVE, PAGE_READWRITE);
    let no_access = allocate_isolated(page(), RESERVE_COMMIT, PAGE_NOACCESS);
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
        assert_eq!(lock(at, bytes), Err(Win32Error::NOACCESS));
        assert_eq!(unlock(at, bytes), Err(Win32Error::NOT_LOCKED));
    }
    for (at, bytes) in [(pages.at(0), 0), (pages.at(0), usize::MAX)] {
        assert_eq!(lock(at, bytes), Err(Win32Error::INVALID_PARAMETER));
        assert_eq!(unlock(at, bytes), Err(Win32Error::INVALID_PARAMETER));
    }
    assert_eq!(locked_kib(), before);
    release(reserved);
    release(no_access);
    // SAFETY: this test owns the mapping, and no reference covers it.
    unsafe { libc::munmap(empty_file, 2 * page()) };
}

#[test]
fn lock_fails_beyond_memlock_limit() {
    let _serialized = LOCKING.lock();
    let memory = allocate_isolated(16 * page(), RESERVE_COMMIT, PAGE_READWRITE);
    // The child has a limit of its own, and drops the privilege that would bypass it.
    // SAFETY: the child never returns from this block. Until it exits, it uses only the library,
    // whose locks are free after a fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: `limit` is valid for the call. The calls change only the child process.
        unsafe {
            let limit = libc::rlimit {
                rlim_cur: page_size(),
                rlim_max: page_size(),
            };
            libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit);
            // Root would ignore the limit.
            libc::setuid(65534);
            // `setuid` made the process undumpable, so that it could not read its own `/proc`
            // files.
            libc::prctl(libc::PR_SET_DUMPABLE, 1);
        }
        let result = lock(memory, 16 * page());
        // SAFETY: `_exit` has no preconditions.
        unsafe { libc::_exit(i32::from(result != Err(Win32Error::WORKING_SET_QUOTA))) };
    }
    let mut status = -1;
    // SAFETY: `status` is valid for writing.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
    release(memory);
}

#[test]
fn string_can_end_with_allocation() {
    let memory = allocate_isolated(page(), RESERVE_COMMIT, PAGE_READWRITE);
    let at = memory.wrapping_byte_add(page() - 1).cast::<CHAR>();
    assert_eq!(
        super::super::module::handle(at),
        Err(Win32Error::MOD_NOT_FOUND)
    );
    release(memory);
}
