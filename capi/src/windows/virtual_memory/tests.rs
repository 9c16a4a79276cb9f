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
fn more_than_the_machine_has_can_t_be_locked() {
    // It takes no memory as long as nobody touches it.
    let at = anywhere(1 << 45, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    assert_eq!(lock(at, 1 << 45), Err(Code::WORKING_SET_QUOTA));
    release(at);
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
