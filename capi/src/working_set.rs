//! `QueryWorkingSet`, `QueryWorkingSetEx` and `EmptyWorkingSet`.

use std::ops::ControlFlow;

use psapi::{
    ErrorKind, PageAttributes, PageInfo, PageRun, Protection, ShareCount, WorkingSetOptions,
};

use crate::convert::to_size;
use crate::platform::handles::resolve;
use crate::types::protection::{
    PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY, PAGE_NOACCESS,
    PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY,
};
use crate::types::rights::{
    PROCESS_QUERY_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SET_QUOTA,
    PROCESS_VM_READ,
};
use crate::types::{
    BOOL, DWORD, HANDLE, LPVOID, PSAPI_WORKING_SET_EX_INFORMATION, TRUE, ULONG_PTR,
};
use crate::user_memory;
use crate::win32_error::{Result, Win32Error};

const RIGHTS: DWORD = PROCESS_QUERY_INFORMATION | PROCESS_VM_READ;

/// The number of blocks per copy to the caller: few enough to stay in the CPU's cache.
const BLOCKS_PER_COPY: usize = 4096;

/// Implements `QueryWorkingSet`. Writes the number of resident pages and, if all fit, a block for
/// each page.
pub fn query(process: HANDLE, to: LPVOID, cb: DWORD) -> Result<BOOL> {
    const ENTRY: usize = size_of::<ULONG_PTR>();
    let target = resolve(process, RIGHTS)?;
    let capacity = cb as usize / ENTRY;
    if capacity == 0 {
        return Err(Win32Error::BAD_LENGTH);
    }
    let options = match capacity {
        // There is only room for the number, so no block needs a share count.
        1 => WorkingSetOptions::new().without_share_counts(),
        _ => WorkingSetOptions::new(),
    };
    let set = target
        .process
        .working_set_with(&options, |_| ControlFlow::Continue(()))
        .map_err(|error| Win32Error::from_memory_error(&error))?;
    let page_size = set.page_size();
    let resident = |run: &PageRun<'_>| run.attributes.contains(PageAttributes::RESIDENT);
    let runs = || set.runs().filter(resident);
    let pages: u64 = runs().map(|run| run.size() / page_size).sum();

    let number = to.cast::<ULONG_PTR>();
    if pages > (capacity - 1) as u64 {
        let is_own = target.process.id().get() == std::process::id();
        let needed = if is_own {
            with_room_to_ask_again(pages, page_size)
        } else {
            pages
        };
        user_memory::write(number, &to_size(needed))?;
        return Err(Win32Error::BAD_LENGTH);
    }
    user_memory::write(number, &to_size(pages))?;
    let mut next = number.wrapping_add(1);
    let mut blocks: Vec<ULONG_PTR> = Vec::with_capacity(BLOCKS_PER_COPY);
    let mut flush = |blocks: &mut Vec<ULONG_PTR>| {
        user_memory::write_slice(next, blocks)?;
        next = next.wrapping_add(blocks.len());
        blocks.clear();
        Ok(())
    };
    for run in runs() {
        // All pages of a run have the same flags and differ only in their address.
        let flags = block_flags(&run);
        let mut address = run.start;
        while address < run.end {
            let pages = (run.end - address) / page_size;
            let count = pages.min((BLOCKS_PER_COPY - blocks.len()) as u64);
            let end = address + count * page_size;
            let addresses = (address..end).step_by(page_size as usize);
            blocks.extend(addresses.map(|address| to_size(address) & !0xfff | flags));
            address = end;
            if blocks.len() == BLOCKS_PER_COPY {
                flush(&mut blocks)?;
            }
        }
    }
    flush(&mut blocks)?;
    Ok(TRUE)
}

/// Returns the number of pages to announce to a program that queries itself. Before its next call,
/// the program adds pages to its working set: the buffer that it allocates, and newly executed
/// code.
fn with_room_to_ask_again(pages: u64, page_size: u64) -> u64 {
    /// The kernel maps 64 KiB of a file around a page fault. Allocating and clearing a buffer, or
    /// printing the number, runs code in a few places.
    const NEW_CODE: u64 = 8 * (64 << 10);
    // The buffer has 8 bytes for each page, a 512th of the working set. A partly used huge page at
    // each of its ends adds less than twice as much.
    pages + pages / 128 + NEW_CODE / page_size
}

/// Returns a `PSAPI_WORKING_SET_BLOCK` without its address: 5 bits of protection, 3 bits of share
/// count, and 1 bit that is set for shareable pages. The address starts at bit 12.
fn block_flags(run: &PageRun<'_>) -> ULONG_PTR {
    let protection = match run.protection() {
        Protection::NoAccess => 0,
        Protection::ReadOnly => 1,
        Protection::Execute => 2,
        Protection::ExecuteRead => 3,
        Protection::ReadWrite => 4,
        Protection::CopyOnWrite => 5,
        Protection::ExecuteReadWrite => 6,
        Protection::ExecuteCopyOnWrite => 7,
    };
    let shareable = ULONG_PTR::from(run.attributes.contains(PageAttributes::FILE));
    protection | share_count(run.attributes, run.shares) << 5 | shareable << 8
}

/// Returns the share count of a page: at most 7, and 0 for a page that is not shareable. Without
/// the privilege to read exact counts, a page with more than one mapping has 2.
fn share_count(attributes: PageAttributes, shares: Option<ShareCount>) -> ULONG_PTR {
    if !attributes.contains(PageAttributes::FILE) {
        return 0;
    }
    match shares {
        Some(ShareCount::Exactly(count)) => count.min(7) as ULONG_PTR,
        Some(ShareCount::SevenOrMore) => 7,
        Some(ShareCount::MoreThanOne) => 2,
        None => 0,
    }
}

/// The number of addresses per query.
///
/// Large enough that the pages between the addresses are not scanned repeatedly, and small enough
/// that a query uses only a few megabytes.
const ADDRESSES_PER_QUERY: usize = 256 * 1024;

/// Implements `QueryWorkingSetEx`. Fills in the attributes of each page in the caller's array.
pub fn query_ex(process: HANDLE, pages: LPVOID, cb: DWORD) -> Result<BOOL> {
    let target = resolve(process, RIGHTS)?;
    let count = cb as usize / size_of::<PSAPI_WORKING_SET_EX_INFORMATION>();
    if count == 0 {
        return Err(Win32Error::BAD_LENGTH);
    }
    let mut next = pages.cast::<PSAPI_WORKING_SET_EX_INFORMATION>();
    let mut remaining = count;
    let (mut entries, mut addresses) = (Vec::new(), Vec::new());
    while remaining > 0 {
        let count = remaining.min(ADDRESSES_PER_QUERY);
        entries.clear();
        user_memory::read_slice(next, count, &mut entries)?;
        addresses.clear();
        addresses.extend(
            entries
                .iter()
                .map(|entry| entry.VirtualAddress.addr() as u64),
        );
        let pages = target
            .process
            .query_pages(&addresses)
            .map_err(|error| Win32Error::from_memory_error(&error))?;
        for (entry, page) in entries.iter_mut().zip(&pages) {
            entry.VirtualAttributes = ex_block(page);
        }
        user_memory::write_slice(next, &entries)?;
        next = next.wrapping_add(count);
        remaining -= count;
    }
    Ok(TRUE)
}

/// Returns a `PSAPI_WORKING_SET_EX_BLOCK`. A page that is not valid has only two meaningful bits.
fn ex_block(page: &PageInfo) -> ULONG_PTR {
    let bit = |is_set: bool, position: u32| ULONG_PTR::from(is_set) << position;
    let has = |attributes| page.attributes.intersects(attributes);
    let shareable = bit(page.is_shareable(), 15);
    let bad = bit(has(PageAttributes::BAD), 31);
    if !page.is_valid() {
        return shareable | bad;
    }
    let protection = page.protection.map_or(0, win32_protection) as ULONG_PTR;
    let node = ULONG_PTR::from(page.node.unwrap_or(0).min(63));
    let large = PageAttributes::HUGE | PageAttributes::HUGETLB;
    1 | share_count(page.attributes, page.shares) << 1
        | protection << 4
        | shareable
        | node << 16
        | bit(has(PageAttributes::LOCKED), 22)
        | bit(has(large), 23)
        | bad
}

/// Returns the `PAGE_…` constant of a protection.
pub fn win32_protection(protection: Protection) -> DWORD {
    match protection {
        Protection::NoAccess => PAGE_NOACCESS,
        Protection::ReadOnly => PAGE_READONLY,
        Protection::ReadWrite => PAGE_READWRITE,
        Protection::CopyOnWrite => PAGE_WRITECOPY,
        Protection::Execute => PAGE_EXECUTE,
        Protection::ExecuteRead => PAGE_EXECUTE_READ,
        Protection::ExecuteReadWrite => PAGE_EXECUTE_READWRITE,
        Protection::ExecuteCopyOnWrite => PAGE_EXECUTE_WRITECOPY,
    }
}

/// Implements `EmptyWorkingSet`.
pub fn empty(process: HANDLE) -> Result<BOOL> {
    let target = resolve(
        process,
        PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SET_QUOTA,
    )?;
    match target.process.empty_working_set() {
        Ok(_) => Ok(TRUE),
        // A kernel thread has no address space, so its working set is empty already.
        Err(error) if error.kind() == ErrorKind::NoAddressSpace => Ok(TRUE),
        Err(error) => Err(Win32Error::from_memory_error(&error)),
    }
}
