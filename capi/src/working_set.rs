//! `QueryWorkingSet`, `QueryWorkingSetEx` and `EmptyWorkingSet`.

use std::ops::ControlFlow;

use psapi::{
    ErrorKind, PageAttributes, PageInfo, PageRun, Protection, ShareCount, WorkingSetOptions,
};

use crate::address::size;
use crate::boundary::Answer;
use crate::caller;
use crate::code::Code;
use crate::handles::resolve;
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

const RIGHTS: DWORD = PROCESS_QUERY_INFORMATION | PROCESS_VM_READ;

/// How many blocks are made before they are handed over: few enough to stay in the processor's
/// cache.
const BLOCKS_AT_ONCE: usize = 4096;

/// The number of resident pages, and a block for each if there is room for all.
pub fn query(process: HANDLE, to: LPVOID, cb: DWORD) -> Answer<BOOL> {
    const WORD: usize = size_of::<ULONG_PTR>();
    let target = resolve(process, RIGHTS)?;
    let room = cb as usize / WORD;
    if room == 0 {
        return Err(Code::BAD_LENGTH);
    }
    let options = match room {
        // Only the number is asked for.
        1 => WorkingSetOptions::new().without_share_counts(),
        _ => WorkingSetOptions::new(),
    };
    let set = target
        .process
        .working_set_with(&options, |_| ControlFlow::Continue(()))
        .map_err(|error| Code::of_memory(&error))?;
    let page_size = set.page_size();
    let resident = |run: &PageRun<'_>| run.attributes.contains(PageAttributes::RESIDENT);
    let runs = || set.runs().filter(resident);
    let pages: u64 = runs().map(|run| run.size() / page_size).sum();

    let number = to.cast::<ULONG_PTR>();
    caller::write(number, &size(pages))?;
    if pages > (room - 1) as u64 {
        return Err(Code::BAD_LENGTH);
    }
    let mut next = number.wrapping_add(1);
    let mut blocks: Vec<ULONG_PTR> = Vec::with_capacity(BLOCKS_AT_ONCE);
    let mut hand_over = |blocks: &mut Vec<ULONG_PTR>| {
        caller::write_all(next, blocks)?;
        next = next.wrapping_add(blocks.len());
        blocks.clear();
        Ok(())
    };
    for run in runs() {
        let attributes = block(&run);
        let mut address = run.start;
        while address < run.end {
            let pages = (run.end - address) / page_size;
            let count = pages.min((BLOCKS_AT_ONCE - blocks.len()) as u64);
            let end = address + count * page_size;
            let addresses = (address..end).step_by(page_size as usize);
            blocks.extend(addresses.map(|address| size(address) & !0xfff | attributes));
            address = end;
            if blocks.len() == BLOCKS_AT_ONCE {
                hand_over(&mut blocks)?;
            }
        }
    }
    hand_over(&mut blocks)?;
    Ok(TRUE)
}

/// `PSAPI_WORKING_SET_BLOCK` but for the page: 5 bits of protection, 3 of the share count, 1 for
/// what others may map, too, and from bit 12 on the address.
fn block(run: &PageRun<'_>) -> ULONG_PTR {
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
    let shared = ULONG_PTR::from(run.attributes.contains(PageAttributes::FILE));
    protection | share_count(run.attributes, run.shares) << 5 | shared << 8
}

/// At most 7, and 0 for what is not shareable. Who may not be told how many is told 2.
fn share_count(attributes: PageAttributes, shares: Option<ShareCount>) -> ULONG_PTR {
    if !attributes.contains(PageAttributes::FILE) {
        return 0;
    }
    match shares {
        Some(ShareCount::Exactly(count)) => count.min(7) as ULONG_PTR,
        Some(ShareCount::MoreThanOne) => 2,
        None => 0,
    }
}

/// How many addresses are asked for at a time: so many that the pages between them are not looked at
/// again and again, and few enough to take no more than some megabytes.
const ADDRESSES_AT_ONCE: usize = 256 * 1024;

/// An answer for every address, in place.
pub fn query_ex(process: HANDLE, pages: LPVOID, cb: DWORD) -> Answer<BOOL> {
    let target = resolve(process, RIGHTS)?;
    let count = cb as usize / size_of::<PSAPI_WORKING_SET_EX_INFORMATION>();
    if count == 0 {
        return Err(Code::BAD_LENGTH);
    }
    let mut pages = pages.cast::<PSAPI_WORKING_SET_EX_INFORMATION>();
    let mut rest = count;
    let (mut asked, mut addresses) = (Vec::new(), Vec::new());
    while rest > 0 {
        let some = rest.min(ADDRESSES_AT_ONCE);
        asked.clear();
        caller::read_all(pages, some, &mut asked)?;
        addresses.clear();
        addresses.extend(asked.iter().map(|page| page.VirtualAddress.addr() as u64));
        let answers = target
            .process
            .query_pages(&addresses)
            .map_err(|error| Code::of_memory(&error))?;
        for (page, answer) in asked.iter_mut().zip(&answers) {
            page.VirtualAttributes = ex_block(answer);
        }
        caller::write_all(pages, &asked)?;
        pages = pages.wrapping_add(some);
        rest -= some;
    }
    Ok(TRUE)
}

/// `PSAPI_WORKING_SET_EX_BLOCK`. Of a page that is not valid, only two bits mean something.
fn ex_block(page: &PageInfo) -> ULONG_PTR {
    let bit = |is: bool, place: u32| ULONG_PTR::from(is) << place;
    let has = |attributes| page.attributes.intersects(attributes);
    let shared = bit(page.is_shareable(), 15);
    let bad = bit(has(PageAttributes::BAD), 31);
    if !page.is_valid() {
        return shared | bad;
    }
    let protection = page.protection.map_or(0, win32_protection) as ULONG_PTR;
    let node = ULONG_PTR::from(page.node.unwrap_or(0).min(63));
    let huge = PageAttributes::HUGE | PageAttributes::HUGETLB;
    1 | share_count(page.attributes, page.shares) << 1
        | protection << 4
        | shared
        | node << 16
        | bit(has(PageAttributes::LOCKED), 22)
        | bit(has(huge), 23)
        | bad
}

/// In the terms of `windows.h`.
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

pub fn empty(process: HANDLE) -> Answer<BOOL> {
    let target = resolve(
        process,
        PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SET_QUOTA,
    )?;
    match target.process.empty_working_set() {
        Ok(_) => Ok(TRUE),
        // A kernel thread has none: it is empty.
        Err(error) if error.kind() == ErrorKind::NoAddressSpace => Ok(TRUE),
        Err(error) => Err(Code::of_memory(&error)),
    }
}
