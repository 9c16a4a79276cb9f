//! `QueryWorkingSet`, `QueryWorkingSetEx`, `EmptyWorkingSet`.

use std::ptr::null_mut;

use crate::api::*;

#[cfg(target_os = "linux")]
use testing::privilege::is_root;
#[cfg(target_os = "linux")]
use testing::rollup::rollup;
use testing::{Program, programs};
#[cfg(target_os = "linux")]
use testing::{TestProcess, skip};

const RIGHTS: u32 = QUERY | VM_READ;

/// The size of `PSAPI_WORKING_SET_EX_INFORMATION`.
const ENTRY: u32 = size_of::<PageInformation>() as u32;

/// A process with a child, and the addresses of its mappings. Each mapping has 16 pages, and the
/// first eight are resident.
#[cfg(target_os = "linux")]
struct Pages {
    process: TestProcess,
    private: usize,
    readonly: usize,
    none: usize,
    shared: usize,
    copies: usize,
    /// 0 if the process cannot lock memory.
    locked: usize,
    _program: Program,
}

#[cfg(target_os = "linux")]
fn pages() -> Pages {
    let program = Program::compile(programs::PAGE_KINDS_WITH_CHILD, &[]);
    let process = program.start();
    process.wait_for_sleep();
    let addresses: Vec<usize> = process
        .line
        .split_whitespace()
        .map(|address| usize::from_str_radix(address, 16).unwrap())
        .collect();
    Pages {
        process,
        private: addresses[0],
        readonly: addresses[1],
        none: addresses[2],
        shared: addresses[3],
        copies: addresses[4],
        locked: addresses[5],
        _program: program,
    }
}

#[cfg(target_os = "linux")]
impl Pages {
    fn open(&self) -> OpenHandle {
        OpenHandle::new(RIGHTS, self.process.id().get())
    }
}

/// Returns the blocks of all resident pages.
fn query(handle: Handle) -> Vec<usize> {
    // The first entry is the number of blocks.
    let mut entries = vec![0; 1 << 18];
    let size = size_of_val(&entries[..]) as u32;
    succeed(|api| (api.QueryWorkingSet)(handle, entries.as_mut_ptr(), size));
    entries[1..][..entries[0]].to_vec()
}

/// Returns the protection, the share count and the shared bit of each resident page of a mapping.
fn blocks(all: &[usize], start: usize) -> Vec<(usize, usize, bool)> {
    all.iter()
        .filter(|&&block| (start..start + 16 * 4096).contains(&(block & !0xfff)))
        .map(|block| (block & 31, block >> 5 & 7, block >> 8 & 1 == 1))
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn query_lists_resident_pages_in_order() {
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
    // Rss excludes zero pages and device pages, which the working set includes.
    let rss = rollup(pages.process.id(), "Rss") as usize / 4096;
    assert!(
        (rss..rss + 64).contains(&all.len()),
        "{} of {rss}",
        all.len()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn query_reports_protection_and_shares() {
    let pages = pages();
    let all = query(pages.open().0);
    // Parent and child wrote to their private pages, so neither shares them.
    assert_eq!(blocks(&all, pages.private), [(4, 0, false); 8]);
    assert_eq!(blocks(&all, pages.readonly), [(1, 0, false); 8]);
    assert_eq!(blocks(&all, pages.none), [(0, 0, false); 8]);
    // Parent and child map each shared page. The parent maps the last four pages a second time.
    // Without root, the kernel distinguishes only one mapping from several.
    let (two, three) = if is_root() { (2, 3) } else { (2, 2) };
    let shared = blocks(&all, pages.shared);
    assert_eq!(shared[..4], [(4, two, true); 4]);
    assert_eq!(shared[4..], [(4, three, true); 4]);
    let copies = blocks(&all, pages.copies);
    assert_eq!(copies[..4], [(4, 0, false); 4]);
    assert_eq!(copies[4..], [(5, three, true); 4]);
}

/// Reading memory that was never written maps the shared zero page, which a write would replace. As
/// on Windows, the memory still has the protection that the program asked for.
#[test]
fn unwritten_memory_is_read_write() {
    const RESERVE_AND_COMMIT: u32 = 0x3000;
    const RELEASE: u32 = 0x8000;
    for (protection, block) in [(0x04, 4), (0x40, 6)] {
        let size = 16 * 4096;
        let start =
            succeed(|api| (api.VirtualAlloc)(null_mut(), size, RESERVE_AND_COMMIT, protection));
        let page_at = |page: usize| start.wrapping_byte_add(page * 4096).cast::<u8>();
        for page in 0..8 {
            // SAFETY: the memory was just allocated with read access.
            assert_eq!(unsafe { page_at(page).read_volatile() }, 0);
        }
        // SAFETY: the memory was just allocated with write access.
        unsafe { page_at(3).write_volatile(1) };
        let me = (api().GetCurrentProcess)();
        let read = valid(0, protection as usize, 0);
        assert_eq!(query_ex(me, start.addr())[..4], [0, read, read, read]);
        assert_eq!(blocks(&query(me), start.addr()), [(block, 0, false); 8]);
        succeed(|api| (api.VirtualFree)(start, 0, RELEASE));
    }
}

#[test]
fn private_page_has_no_share_count() {
    let memory = [0u64; 1024];
    let mut page = [PageInformation {
        address: memory.as_ptr().addr(),
        attributes: 0,
    }];
    let me = (api().GetCurrentProcess)();
    succeed(|api| (api.QueryWorkingSetEx)(me, page.as_mut_ptr(), ENTRY));
    assert_eq!(
        page[0].attributes & 0b1111,
        0b0001,
        "valid, and a share count of 0"
    );
}

#[test]
fn short_buffer_receives_only_count() {
    let program = Program::compile(programs::WAITS, &[]);
    let process = program.start();
    #[cfg(target_os = "linux")]
    process.wait_for_sleep();
    let open = OpenHandle::new(RIGHTS, process.id().get());
    #[cfg(windows)]
    if !succeed_if_supported(|api| {
        let mut entries = vec![0; 1 << 18];
        (api.QueryWorkingSet)(open.0, entries.as_mut_ptr(), (WORD << 18) as u32)
    }) {
        return;
    }
    let number = query(open.0).len();
    let mut entries = vec![usize::MAX; number + 1];
    // The process is waiting, so the number does not change.
    for capacity in [1, 2, number] {
        entries.fill(usize::MAX);
        let cb = (WORD * capacity) as u32;
        let code = fail(|api| (api.QueryWorkingSet)(open.0, entries.as_mut_ptr(), cb));
        assert_eq!((code, entries[0]), (BAD_LENGTH, number));
        assert!(entries[1..].iter().all(|&entry| entry == usize::MAX));
    }
    let cb = (WORD * (number + 1)) as u32;
    succeed(|api| (api.QueryWorkingSet)(open.0, entries.as_mut_ptr(), cb));
    assert!(entries[1..].iter().all(|&entry| entry != usize::MAX));
    // The buffer is too small for the number itself.
    for cb in [0, WORD as u32 - 1] {
        let code = fail(|api| (api.QueryWorkingSet)(open.0, null_mut(), cb));
        assert_eq!(code, BAD_LENGTH);
    }
}

#[test]
fn queries_reject_unwritable_memory() {
    let open = OpenHandle::new(RIGHTS, std::process::id());
    for pointer in [null_mut(), unmapped(), read_only()] {
        for cb in [WORD as u32, 1 << 20] {
            assert_eq!(
                fail(|api| (api.QueryWorkingSet)(open.0, pointer, cb)),
                NOACCESS
            );
        }
        let code = fail(|api| (api.QueryWorkingSetEx)(open.0, pointer.cast(), ENTRY));
        assert_eq!(code, NOACCESS);
    }
}

/// Returns the attributes of some pages of a mapping, queried out of order and by addresses inside
/// the pages.
fn query_ex(handle: Handle, start: usize) -> Vec<usize> {
    let order = [15, 0, 7, 3, 8, 0, 4];
    let address = |page: usize| start + page * 4096 + 5;
    let mut pages = order.map(|page| PageInformation {
        address: address(page),
        attributes: usize::MAX,
    });
    succeed(|api| (api.QueryWorkingSetEx)(handle, pages.as_mut_ptr(), ENTRY * 7));
    assert_eq!(pages.map(|page| page.address), order.map(address));
    pages.map(|page| page.attributes).to_vec()
}

/// Returns the attributes of a valid page.
fn valid(shares: usize, protection: usize, shared: usize) -> usize {
    1 | shares << 1 | protection << 4 | shared << 15
}

#[cfg(target_os = "linux")]
#[test]
fn query_ex_fills_every_entry() {
    let pages = pages();
    let open = pages.open();
    let (twice, thrice) = if is_root() { (2, 3) } else { (2, 2) };
    let private = valid(0, 0x04, 0);
    let expected = [0, private, private, private, 0, private, private];
    assert_eq!(query_ex(open.0, pages.private), expected);
    let readonly = valid(0, 0x02, 0);
    let expected = [0, readonly, readonly, readonly, 0, readonly, readonly];
    assert_eq!(query_ex(open.0, pages.readonly), expected);
    // Pages without access rights are invalid even if resident.
    assert_eq!(query_ex(open.0, pages.none), [0; 7]);
    let (two, three) = (valid(twice, 0x04, 1), valid(thrice, 0x04, 1));
    let expected = [0, two, three, two, 0, two, three];
    assert_eq!(query_ex(open.0, pages.shared), expected);
    let copy = valid(thrice, 0x08, 1);
    let expected = [0, private, copy, private, 0, private, copy];
    assert_eq!(query_ex(open.0, pages.copies), expected);
    match pages.locked {
        0 => skip("mlock failed"),
        locked => {
            let locked = query_ex(open.0, locked)[1];
            assert_eq!(locked, private | 1 << 22);
        }
    }
    // Address 0 is unmapped.
    assert_eq!(query_ex(open.0, 0), [0; 7]);
}

#[cfg(target_os = "linux")]
#[test]
fn query_ex_reports_large_pages() {
    const SIZE: usize = 8 << 20;
    let pages = memory_for_huge_pages(SIZE);
    let base = pages.as_ptr().addr().next_multiple_of(2 << 20);
    let offset = base - pages.as_ptr().addr();
    pages[offset..offset + (2 << 20)].fill(1);
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut page = [PageInformation {
        address: base + 12345,
        attributes: 0,
    }];
    let me = (api().GetCurrentProcess)();
    succeed(|api| (api.QueryWorkingSetEx)(me, page.as_mut_ptr(), ENTRY));
    let has_huge = smaps
        .lines()
        .filter(|line| line.starts_with("AnonHugePages:"))
        .any(|line| !line.ends_with(" 0 kB"));
    if has_huge {
        assert_eq!(page[0].attributes >> 23 & 1, 1);
    } else {
        skip("the kernel provided no huge page");
    }
}

/// Maps memory with `MADV_HUGEPAGE`.
#[cfg(target_os = "linux")]
fn memory_for_huge_pages(size: usize) -> &'static mut [u8] {
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: the mapping is new, so nothing else refers to it, and it is never unmapped.
    unsafe {
        let start = mmap_anonymous(null_mut(), size, protection, MapFlags::PRIVATE).unwrap();
        let _ = madvise(start, size, Advice::LinuxHugepage);
        std::slice::from_raw_parts_mut(start.cast(), size)
    }
}

#[test]
fn query_ex_requires_whole_entries() {
    let open = OpenHandle::new(RIGHTS, std::process::id());
    for cb in [0, ENTRY - 1] {
        let code = fail(|api| (api.QueryWorkingSetEx)(open.0, null_mut(), cb));
        assert_eq!(code, BAD_LENGTH);
    }
    let mut pages = [PageInformation {
        address: 0,
        attributes: 77,
    }; 2];
    succeed(|api| (api.QueryWorkingSetEx)(open.0, pages.as_mut_ptr(), 2 * ENTRY - 1));
    assert_eq!((pages[0].attributes, pages[1].attributes), (0, 77));
}

#[test]
fn queries_require_query_and_read() {
    for access in [QUERY, VM_READ, LIMITED | VM_READ] {
        let open = OpenHandle::new(access, std::process::id());
        let codes = [
            fail(|api| (api.QueryWorkingSet)(open.0, null_mut(), 0)),
            fail(|api| (api.QueryWorkingSetEx)(open.0, null_mut(), 0)),
        ];
        assert_eq!(codes, [ACCESS_DENIED; 2], "{access:#x}");
    }
    let code = fail(|api| (api.QueryWorkingSet)(unmapped(), null_mut(), 0));
    assert_eq!(code, INVALID_HANDLE);
}

#[test]
fn exited_process_is_partial_copy() {
    let program = Program::compile(programs::WAITS, &[]);
    let mut process = program.start();
    let open = OpenHandle::new(QUERY | VM_READ | SET_QUOTA, process.id().get());
    process.kill();
    for reaped in [false, true] {
        if reaped {
            process.reap();
        }
        let mut entries = [0; 64];
        let mut page = [PageInformation::default()];
        let codes = [
            fail(|api| (api.QueryWorkingSet)(open.0, entries.as_mut_ptr(), 512)),
            fail(|api| (api.QueryWorkingSetEx)(open.0, page.as_mut_ptr(), ENTRY)),
            fail(|api| (api.EmptyWorkingSet)(open.0)),
        ];
        assert_eq!(codes, [PARTIAL_COPY; 3], "reaped: {reaped}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn empty_evicts_file_pages() {
    // The kernel can evict pages of a file that no other process maps, even without swap.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, vec![1; 64 << 12]).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    file.sync_all().unwrap();
    // SAFETY: the mapping is never unmapped, and nothing writes to the file or truncates it.
    let mapped: &[u8] = unsafe {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let flags = MapFlags::PRIVATE;
        let start = mmap(null_mut(), 64 << 12, ProtFlags::READ, flags, &file, 0).unwrap();
        std::slice::from_raw_parts(start.cast(), 64 << 12)
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
        succeed(|api| (api.QueryWorkingSetEx)(me, pages.as_mut_ptr(), 64 * 16));
        pages.iter().filter(|page| page.attributes & 1 == 1).count()
    };
    assert_eq!(resident(), 64);
    let open = OpenHandle::new(LIMITED | SET_QUOTA, std::process::id());
    // Retry. A CPU might not have moved the pages to the LRU lists yet. A child that another test
    // forked also maps the pages until it exits.
    for _ in 0..1000 {
        succeed(|api| (api.EmptyWorkingSet)(open.0));
        if resident() < 64 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(
        resident() < 64,
        "{} of 64 pages are still resident",
        resident()
    );
    assert_eq!(sum(), 64 << 12, "the contents changed");
}

#[test]
fn empty_requires_quota_and_query() {
    let id = std::process::id();
    for access in [QUERY, LIMITED, SET_QUOTA, VM_READ | SET_QUOTA] {
        let open = OpenHandle::new(access, id);
        let code = fail(|api| (api.EmptyWorkingSet)(open.0));
        assert_eq!(code, ACCESS_DENIED, "{access:#x}");
    }
    for access in [QUERY | SET_QUOTA, LIMITED | SET_QUOTA] {
        succeed_if_supported(|api| (api.EmptyWorkingSet)(OpenHandle::new(access, id).0));
    }
    assert_eq!(
        fail(|api| (api.EmptyWorkingSet)(null_mut())),
        INVALID_HANDLE
    );
}

#[cfg(target_os = "linux")]
#[test]
fn share_counts_saturate_at_7() {
    if !is_root() {
        skip("needs root to read share counts");
        return;
    }
    // Map one page of a memfd nine times.
    let memory = rustix::fs::memfd_create("shared", rustix::fs::MemfdFlags::empty()).unwrap();
    rustix::fs::ftruncate(&memory, 4096).unwrap();
    let maps: Vec<usize> = (0..9)
        .map(|_| {
            use rustix::mm::{MapFlags, ProtFlags, mmap};
            let protection = ProtFlags::READ | ProtFlags::WRITE;
            // SAFETY: the mapping is new and never unmapped, and only this loop writes to the
            // memfd.
            unsafe {
                let flags = MapFlags::SHARED;
                let start = mmap(null_mut(), 4096, protection, flags, &memory, 0).unwrap();
                start.cast::<u8>().write(1);
                start.addr()
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
    succeed(|api| (api.QueryWorkingSetEx)(me, page.as_mut_ptr(), ENTRY));
    assert_eq!(page[0].attributes, valid(7, 0x04, 1));
    let code = unprivileged(|| fail(|api| (api.OpenProcess)(RIGHTS, 0, 1)));
    assert_eq!(code, ACCESS_DENIED);
}
