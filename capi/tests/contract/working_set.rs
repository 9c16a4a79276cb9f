//! `QueryWorkingSet`, `QueryWorkingSetEx`, `EmptyWorkingSet`.

use std::ptr::null_mut;

use crate::api::*;
use crate::support::child::{Program, Subject};
use crate::support::privilege::{is_root, skip};
use crate::support::rollup::rollup;

const RIGHTS: u32 = QUERY | VM_READ;

/// 16 pages each of several kinds, of which it touches 8; a child shares those of the memfd.
const PAGES: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>
static char *map(int protection, int flags, int fd) {
    char *p = mmap(0, 16 * 4096, protection, flags, fd, 0);
    if (p == MAP_FAILED) _exit(9);
    madvise(p, 16 * 4096, MADV_NOHUGEPAGE);
    return p;
}
static void touch(char *p) { for (int i = 0; i < 8; i++) p[i * 4096] = 1; }
int main(void) {
    int rw = PROT_READ | PROT_WRITE;
    int fd = memfd_create("pages", 0);
    if (ftruncate(fd, 16 * 4096)) return 1;
    char *private = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *readonly = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *none = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *shared = map(rw, MAP_SHARED, fd);
    char *copies = map(rw, MAP_PRIVATE, fd);
    char *locked = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    touch(private); touch(readonly); touch(none); touch(shared); touch(locked);
    /* Four pages of the file as it is, four of them changed. */
    volatile char sum = 0;
    for (int i = 0; i < 8; i++) sum += copies[i * 4096];
    for (int i = 0; i < 4; i++) copies[i * 4096] = 2;
    mprotect(readonly, 16 * 4096, PROT_READ);
    mprotect(none, 16 * 4096, PROT_NONE);
    if (mlock(locked, 8 * 4096)) locked = 0;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        munmap(copies, 16 * 4096);
        for (int i = 0; i < 8; i++) sum += shared[i * 4096];
        /* It has its own pages of all else. */
        touch(private);
        printf("%zx %zx %zx %zx %zx %zx\n", (size_t)private, (size_t)readonly, (size_t)none,
            (size_t)shared, (size_t)copies, (size_t)locked);
        fflush(stdout);
        pause();
    }
    getchar();
}"#;

struct Pages {
    subject: Subject,
    private: usize,
    readonly: usize,
    none: usize,
    shared: usize,
    copies: usize,
    /// 0: it may not lock memory.
    locked: usize,
    _program: Program,
}

fn pages() -> Pages {
    let program = Program::compile(PAGES, &[]);
    let subject = program.start();
    subject.settle();
    let said: Vec<usize> = subject
        .said
        .split_whitespace()
        .map(|word| usize::from_str_radix(word, 16).unwrap())
        .collect();
    Pages {
        subject,
        private: said[0],
        readonly: said[1],
        none: said[2],
        shared: said[3],
        copies: said[4],
        locked: said[5],
        _program: program,
    }
}

impl Pages {
    fn open(&self) -> Opened {
        Opened::new(RIGHTS, self.subject.id().get())
    }
}

/// All blocks.
fn query(handle: Handle) -> Vec<usize> {
    let mut words = vec![0; 1 << 18];
    done(|api| (api.QueryWorkingSet)(handle, words.as_mut_ptr(), (8 * words.len()) as u32));
    words[1..][..words[0]].to_vec()
}

/// Protection, share count and whether it is shared of the pages of a range, by its blocks.
fn blocks(all: &[usize], start: usize) -> Vec<(usize, usize, bool)> {
    all.iter()
        .filter(|&&block| (start..start + 16 * 4096).contains(&(block & !0xfff)))
        .map(|block| (block & 31, block >> 5 & 7, block >> 8 & 1 == 1))
        .collect()
}

#[test]
fn query_working_set_has_an_entry_for_every_resident_page_and_ascends() {
    let pages = pages();
    let all = query(pages.open().0);
    assert!(all.is_sorted_by(|a, b| a & !0xfff < b & !0xfff));
    let addresses: Vec<usize> = all.iter().map(|block| block & !0xfff).collect();
    for start in [
        pages.private,
        pages.readonly,
        pages.none,
        pages.shared,
        pages.copies,
    ] {
        let found: Vec<usize> = addresses
            .iter()
            .copied()
            .filter(|address| (start..start + 16 * 4096).contains(address))
            .collect();
        let touched: Vec<usize> = (0..8).map(|page| start + page * 4096).collect();
        assert_eq!(found, touched);
    }
    // What the kernel finds, and the pages of zeros and the like that it does not count.
    let rss = rollup(pages.subject.id(), "Rss") as usize / 4096;
    assert!(
        (rss..rss + 64).contains(&all.len()),
        "{} of {rss}",
        all.len()
    );
}

#[test]
fn query_working_set_protection_share_count_and_shared() {
    let pages = pages();
    let all = query(pages.open().0);
    // The parent wrote to its private pages, and the child to its own.
    assert_eq!(blocks(&all, pages.private), [(4, 0, false); 8]);
    assert_eq!(blocks(&all, pages.readonly), [(1, 0, false); 8]);
    assert_eq!(blocks(&all, pages.none), [(0, 0, false); 8]);
    // Mapped by the parent, by the child, and, but for those that it changed, a second time.
    let (twice, thrice) = match is_root() {
        true => (2, 3),
        false => (2, 2),
    };
    let shared = blocks(&all, pages.shared);
    assert_eq!(shared[..4], [(4, twice, true); 4]);
    assert_eq!(shared[4..], [(4, thrice, true); 4]);
    let copies = blocks(&all, pages.copies);
    assert_eq!(copies[..4], [(4, 0, false); 4]);
    assert_eq!(copies[4..], [(5, thrice, true); 4]);
}

#[test]
fn who_may_not_be_told_share_counts_is_told_1_or_2() {
    // The test's own process is nobody's in such a thread; its memory is not.
    let memory = [0u64; 1024];
    let mut page = [PageInformation {
        address: memory.as_ptr().addr(),
        attributes: 0,
    }];
    let me = (api().GetCurrentProcess)();
    done(|api| (api.QueryWorkingSetEx)(me, page.as_mut_ptr(), 16));
    assert_eq!(
        page[0].attributes & 0b1111,
        0b0001,
        "private, so not shareable"
    );
}

#[test]
fn query_working_set_bad_length_sets_the_number_alone() {
    let pages = pages();
    let open = pages.open();
    let number = query(open.0).len();
    let mut words = vec![usize::MAX; number + 1];
    // Of a process that stands still.
    for room in [1, 2, number] {
        words.fill(usize::MAX);
        let cb = 8 * room as u32;
        let code = failed(|api| (api.QueryWorkingSet)(open.0, words.as_mut_ptr(), cb));
        assert_eq!((code, words[0]), (BAD_LENGTH, number));
        assert!(words[1..].iter().all(|&word| word == usize::MAX));
    }
    let cb = 8 * (number + 1) as u32;
    done(|api| (api.QueryWorkingSet)(open.0, words.as_mut_ptr(), cb));
    assert!(words[1..].iter().all(|&word| word != usize::MAX));
    // Not even the number fits.
    for cb in [0, 7] {
        let code = failed(|api| (api.QueryWorkingSet)(open.0, null_mut(), cb));
        assert_eq!(code, BAD_LENGTH);
    }
}

#[test]
fn query_working_set_noaccess() {
    let open = Opened::new(RIGHTS, std::process::id());
    for to in [null_mut(), nowhere(), read_only()] {
        for cb in [8, 1 << 20] {
            assert_eq!(
                failed(|api| (api.QueryWorkingSet)(open.0, to, cb)),
                NOACCESS
            );
        }
        let code = failed(|api| (api.QueryWorkingSetEx)(open.0, to.cast(), 16));
        assert_eq!(code, NOACCESS);
    }
}

/// The answers for pages of a range, in an order of their own.
fn query_ex(handle: Handle, start: usize) -> Vec<usize> {
    let order = [15, 0, 7, 3, 8, 0, 4];
    let address = |page: usize| start + page * 4096 + 5;
    let mut pages = order.map(|page| PageInformation {
        address: address(page),
        attributes: usize::MAX,
    });
    done(|api| (api.QueryWorkingSetEx)(handle, pages.as_mut_ptr(), 16 * 7));
    assert_eq!(pages.map(|page| page.address), order.map(address));
    pages.map(|page| page.attributes).to_vec()
}

/// The bits of a valid page.
fn valid(shares: usize, protection: usize, shared: usize) -> usize {
    1 | shares << 1 | protection << 4 | shared << 15
}

#[test]
fn query_working_set_ex_answers_every_address_in_place_resident_or_not() {
    let pages = pages();
    let open = pages.open();
    let (twice, thrice) = match is_root() {
        true => (2, 3),
        false => (2, 2),
    };
    let private = valid(0, 0x04, 0);
    let expected = [0, private, private, private, 0, private, private];
    assert_eq!(query_ex(open.0, pages.private), expected);
    let readonly = valid(0, 0x02, 0);
    let expected = [0, readonly, readonly, readonly, 0, readonly, readonly];
    assert_eq!(query_ex(open.0, pages.readonly), expected);
    // Resident, but not valid without any access.
    assert_eq!(query_ex(open.0, pages.none), [0; 7]);
    let (two, three) = (valid(twice, 0x04, 1), valid(thrice, 0x04, 1));
    let expected = [0, two, three, two, 0, two, three];
    assert_eq!(query_ex(open.0, pages.shared), expected);
    let copy = valid(thrice, 0x08, 1);
    let expected = [0, private, copy, private, 0, private, copy];
    assert_eq!(query_ex(open.0, pages.copies), expected);
    match pages.locked {
        0 => skip("memory can't be locked"),
        locked => {
            let locked = query_ex(open.0, locked)[1];
            assert_eq!(locked, private | 1 << 22);
        }
    }
    // Nothing is mapped there.
    assert_eq!(query_ex(open.0, 0), [0; 7]);
}

#[test]
fn query_working_set_ex_large_pages() {
    const SIZE: usize = 8 << 20;
    let pages = memory_for_huge_pages(SIZE);
    let base = pages.as_ptr().addr().next_multiple_of(2 << 20);
    let place = base - pages.as_ptr().addr();
    pages[place..place + (2 << 20)].fill(1);
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut asked = [PageInformation {
        address: base + 12345,
        attributes: 0,
    }];
    let me = (api().GetCurrentProcess)();
    done(|api| (api.QueryWorkingSetEx)(me, asked.as_mut_ptr(), 16));
    let has_huge = smaps
        .lines()
        .filter(|line| line.starts_with("AnonHugePages:"))
        .any(|line| !line.ends_with(" 0 kB"));
    match has_huge {
        true => assert_eq!(asked[0].attributes >> 23 & 1, 1),
        false => skip("no huge page can be had"),
    }
}

/// Memory that asks for huge pages.
fn memory_for_huge_pages(size: usize) -> &'static mut [u8] {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: it is new memory, which is nobody else's and never unmapped.
    unsafe {
        let place = mmap_anonymous(null_mut(), size, protection, MapFlags::PRIVATE).unwrap();
        let _ = madvise(place, size, Advice::LinuxHugepage);
        std::slice::from_raw_parts_mut(place.cast(), size)
    }
}

#[test]
fn query_working_set_ex_bad_length_for_less_than_one_entry_and_whole_entries_only() {
    let open = Opened::new(RIGHTS, std::process::id());
    for cb in [0, 15] {
        let code = failed(|api| (api.QueryWorkingSetEx)(open.0, null_mut(), cb));
        assert_eq!(code, BAD_LENGTH);
    }
    let mut pages = [PageInformation {
        address: 0,
        attributes: 77,
    }; 2];
    done(|api| (api.QueryWorkingSetEx)(open.0, pages.as_mut_ptr(), 31));
    assert_eq!((pages[0].attributes, pages[1].attributes), (0, 77));
}

#[test]
fn working_sets_need_query_information_and_vm_read() {
    for access in [QUERY, VM_READ, LIMITED | VM_READ] {
        let open = Opened::new(access, std::process::id());
        let codes = [
            failed(|api| (api.QueryWorkingSet)(open.0, null_mut(), 0)),
            failed(|api| (api.QueryWorkingSetEx)(open.0, null_mut(), 0)),
        ];
        assert_eq!(codes, [ACCESS_DENIED; 2], "{access:#x}");
    }
    let code = failed(|api| (api.QueryWorkingSet)(nowhere(), null_mut(), 0));
    assert_eq!(code, INVALID_HANDLE);
}

#[test]
fn a_process_that_has_ended_partial_copy_for_its_memory() {
    let mut pages = pages();
    let open = Opened::new(
        QUERY | VM_READ | SET_QUOTA,
        match is_root() {
            true => pages.subject.id().get(),
            false => {
                skip("emptying another process's working set needs CAP_SYS_NICE");
                return;
            }
        },
    );
    pages.subject.kill();
    for reaped in [false, true] {
        if reaped {
            pages.subject.reap();
        }
        let mut words = [0; 64];
        let mut page = [PageInformation::default()];
        let codes = [
            failed(|api| (api.QueryWorkingSet)(open.0, words.as_mut_ptr(), 512)),
            failed(|api| (api.QueryWorkingSetEx)(open.0, page.as_mut_ptr(), 16)),
            failed(|api| (api.EmptyWorkingSet)(open.0)),
        ];
        assert_eq!(codes, [PARTIAL_COPY; 3], "reaped: {reaped}");
    }
}

#[test]
fn empty_working_set_takes_out_what_the_system_lets_go() {
    // Pages of a file in nobody else's mapping leave, swap or not.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, vec![1; 64 << 12]).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    file.sync_all().unwrap();
    // SAFETY: nobody writes to the file.
    let mapped: &[u8] = unsafe {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let flags = MapFlags::PRIVATE;
        let place = mmap(null_mut(), 64 << 12, ProtFlags::READ, flags, &file, 0).unwrap();
        std::slice::from_raw_parts(place.cast(), 64 << 12)
    };
    let sum = || mapped.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    assert_eq!(sum(), 64 << 12);
    let resident = || {
        let mut pages: Vec<_> = (0..64)
            .map(|page| PageInformation {
                address: mapped.as_ptr().addr() + (page << 12),
                attributes: 0,
            })
            .collect();
        let me = (api().GetCurrentProcess)();
        done(|api| (api.QueryWorkingSetEx)(me, pages.as_mut_ptr(), 64 * 16));
        pages.iter().filter(|page| page.attributes & 1 == 1).count()
    };
    assert_eq!(resident(), 64);
    let open = Opened::new(LIMITED | SET_QUOTA, std::process::id());
    // A processor may have yet to put them on the lists that the kernel takes pages from, and a child
    // that another test has forked has them, too, as long as it lives.
    for _ in 0..1000 {
        done(|api| (api.EmptyWorkingSet)(open.0));
        if resident() < 64 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(resident() < 64, "{} of 64 are still there", resident());
    assert_eq!(sum(), 64 << 12, "what comes back is as it was");
}

#[test]
fn empty_working_set_needs_set_quota_and_query_information_limited_or_not() {
    let id = std::process::id();
    for access in [QUERY, LIMITED, SET_QUOTA, VM_READ | SET_QUOTA] {
        let open = Opened::new(access, id);
        let code = failed(|api| (api.EmptyWorkingSet)(open.0));
        assert_eq!(code, ACCESS_DENIED, "{access:#x}");
    }
    for access in [QUERY | SET_QUOTA, LIMITED | SET_QUOTA] {
        done(|api| (api.EmptyWorkingSet)(Opened::new(access, id).0));
    }
    assert_eq!(
        failed(|api| (api.EmptyWorkingSet)(null_mut())),
        INVALID_HANDLE
    );
}

#[test]
fn share_counts_saturate_at_7() {
    if !is_root() {
        skip("needs root to be told share counts");
        return;
    }
    // One page of a memfd, mapped nine times.
    let memory = rustix::fs::memfd_create("shared", rustix::fs::MemfdFlags::empty()).unwrap();
    rustix::fs::ftruncate(&memory, 4096).unwrap();
    let maps: Vec<usize> = (0..9)
        .map(|_| {
            use rustix::mm::{MapFlags, ProtFlags, mmap};
            let protection = ProtFlags::READ | ProtFlags::WRITE;
            // SAFETY: nobody else uses the memory, and it is never unmapped.
            unsafe {
                let flags = MapFlags::SHARED;
                let place = mmap(null_mut(), 4096, protection, flags, &memory, 0).unwrap();
                place.cast::<u8>().write(1);
                place.addr()
            }
        })
        .collect();
    let me = (api().GetCurrentProcess)();
    let all = query(me);
    let block = all.iter().find(|&block| block & !0xfff == maps[0]).unwrap();
    assert_eq!(block & 0xfff, 4 | 7 << 5 | 1 << 8);
    let mut page = [PageInformation {
        address: maps[8],
        attributes: 0,
    }];
    done(|api| (api.QueryWorkingSetEx)(me, page.as_mut_ptr(), 16));
    assert_eq!(page[0].attributes, valid(7, 0x04, 1));
    let code = as_nobody(|| failed(|api| (api.OpenProcess)(RIGHTS, 0, 1)));
    assert_eq!(code, ACCESS_DENIED);
}
