//! Working sets as Windows reports them.
//!
//! Wine reports the pages of the calling process, so its list and its faults are derived from
//! these. For another process, Wine reports only regions, and the pages follow from a rule with
//! every kind of page.

use std::collections::{BTreeSet, HashMap};
use std::os::windows::io::BorrowedHandle;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::windows::address_space::PAGE_SIZE;
use crate::sys::windows::buffer::Fixed;
use crate::sys::windows::class::{MemoryClass, ProcessClass};
use crate::sys::windows::layouts::memory_basic_information::{
    self, MemoryBasicInformation, MemoryKind, MemoryState,
};
use crate::sys::windows::layouts::reader::Width;
use crate::sys::windows::nt::{self, Answer};
use crate::sys::windows::status::Status;

const VALID: u32 = 1;
const SHARED: u32 = 1 << 15;
const LOCKED: u32 = 1 << 22;
const LARGE: u32 = 1 << 23;

/// A private allocation of this size has large pages.
const LARGE_PAGE: u64 = 2 << 20;

/// The most faults that a record holds until they are fetched.
const RECORD: usize = 4096;

/// The state that the kernel keeps, by the id of the process.
static PROCESSES: Mutex<Option<HashMap<u64, State>>> = Mutex::new(None);

#[derive(Debug, Default)]
struct State {
    /// The pages when faults were fetched last; `None` unless the process is watched.
    watched: Option<BTreeSet<u64>>,
    /// Pages that were taken out of the working set. The stand-in notices no access, so they stay
    /// out until the process is watched or emptied again.
    emptied: BTreeSet<u64>,
}

fn processes() -> MutexGuard<'static, Option<HashMap<u64, State>>> {
    PROCESSES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `change` with the state of a process.
fn with_state<T>(process: BorrowedHandle<'_>, change: impl FnOnce(&mut State) -> T) -> T {
    let mut processes = processes();
    let states = processes.get_or_insert_default();
    change(states.entry(id(process)).or_default())
}

/// Returns `UniqueProcessId` of `PROCESS_BASIC_INFORMATION`.
fn id(process: BorrowedHandle<'_>) -> u64 {
    let mut buffer = Fixed::<48>::new();
    let size = Width::NATIVE.bytes();
    let class = ProcessClass::ProcessBasicInformation;
    nt::query_process(process, class, &mut buffer.0[..6 * size]);
    size_at(&buffer.0, 4)
}

/// Returns the number at an index of an array of numbers as wide as pointers.
fn size_at(bytes: &[u8], index: usize) -> u64 {
    let size = Width::NATIVE.bytes();
    let mut number = [0; 8];
    number[..size].copy_from_slice(&bytes[index * size..][..size]);
    u64::from_le_bytes(number)
}

fn put(bytes: &mut [u8], index: usize, number: u64) {
    let size = Width::NATIVE.bytes();
    bytes[index * size..][..size].copy_from_slice(&number.to_le_bytes()[..size]);
}

fn is_current(process: BorrowedHandle<'_>) -> bool {
    id(process) == u64::from(std::process::id())
}

fn region(process: BorrowedHandle<'_>, address: u64) -> Option<MemoryBasicInformation> {
    let mut buffer = Fixed::<{ memory_basic_information::SIZE }>::new();
    let class = MemoryClass::MemoryBasicInformation;
    let answer = nt::query_memory(process, address, class, &mut buffer.0);
    answer.status.check().ok()?;
    MemoryBasicInformation::parse(&buffer.0, Width::NATIVE)
}

/// Returns the whole region that contains an address. A query reports only its part from the page
/// of the address.
fn whole_region(process: BorrowedHandle<'_>, address: u64) -> Option<MemoryBasicInformation> {
    let part = region(process, address)?;
    let mut whole = region(process, part.allocation_base)?;
    while whole.end() <= address {
        whole = region(process, whole.end())?;
    }
    Some(whole)
}

fn committed(process: BorrowedHandle<'_>) -> impl Iterator<Item = MemoryBasicInformation> {
    let mut next = 0;
    let regions = std::iter::from_fn(move || {
        let region = region(process, next).filter(|region| region.end() > next)?;
        next = region.end();
        Some(region)
    });
    regions.filter(|region| region.state == MemoryState::Committed)
}

fn pages(region: &MemoryBasicInformation) -> impl Iterator<Item = u64> + use<> {
    (region.base..region.end()).step_by(PAGE_SIZE as usize)
}

/// Returns the attributes of a page of another process, by a rule.
fn block_by_rule(region: &MemoryBasicInformation, page: u64) -> u32 {
    if region.state != MemoryState::Committed || region.protection.guard {
        return 0;
    }
    let index = ((page - region.base) / PAGE_SIZE) as u32;
    let node = (index / 8 % 2) << 16;
    let is_private = region.kind == Some(MemoryKind::Private);
    if is_private && region.size == LARGE_PAGE {
        return VALID | LOCKED | LARGE | node;
    }
    if index % 4 == 3 {
        return 0;
    }
    let locked = if index % 16 == 1 { LOCKED } else { 0 };
    let shares = if is_private {
        0
    } else {
        SHARED | (1 + index % 7) << 1
    };
    VALID | shares | node | locked
}

/// Returns the attributes of pages, as Wine knows them of the calling process.
fn blocks_of_caller(pages: &[u64]) -> Vec<u32> {
    let size = Width::NATIVE.bytes();
    let mut words = vec![0_u8; 2 * size * pages.len()];
    for (index, &page) in pages.iter().enumerate() {
        put(&mut words, 2 * index, page);
    }
    let class = MemoryClass::MemoryWorkingSetExInformation;
    nt::query_memory(nt::current_process(), 0, class, &mut words);
    let blocks = 0..pages.len();
    blocks
        .map(|index| size_at(&words, 2 * index + 1) as u32)
        .collect()
}

/// Returns the pages in the working set, and their attributes.
fn working_set(process: BorrowedHandle<'_>) -> Vec<(u64, u32)> {
    let emptied = with_state(process, |state| state.emptied.clone());
    let is_current = is_current(process);
    let mut set = Vec::new();
    for region in committed(process) {
        let pages: Vec<u64> = pages(&region).collect();
        let blocks = match is_current {
            true => blocks_of_caller(&pages),
            false => pages
                .iter()
                .map(|&page| block_by_rule(&region, page))
                .collect(),
        };
        let resident = pages.into_iter().zip(blocks).filter(|&(page, block)| {
            block & VALID != 0 && block & LARGE == 0 && !emptied.contains(&page)
        });
        set.extend(resident);
    }
    set
}

/// Answers `MemoryWorkingSetInformation`.
pub(super) fn list(process: BorrowedHandle<'_>, buffer: &mut [u8]) -> Answer {
    let size = Width::NATIVE.bytes();
    let set = working_set(process);
    let length = (set.len() + 1) * size;
    if buffer.len() >= size {
        put(buffer, 0, set.len() as u64);
    }
    if buffer.len() < length {
        return super::too_short(Status::INFO_LENGTH_MISMATCH, 0);
    }
    for (index, (page, block)) in (1..).zip(set) {
        // `Protection` and `Node` are left 0: callers ask for both in more detail.
        let shared = u64::from(block & SHARED != 0) << 8;
        let shares = u64::from(block >> 1 & 7) << 5;
        put(buffer, index, page | shared | shares);
    }
    Answer {
        status: Status::SUCCESS,
        length,
    }
}

/// Answers `MemoryWorkingSetExInformation`; `None` if Wine can.
pub(super) fn describe(process: BorrowedHandle<'_>, buffer: &mut [u8]) -> Option<Answer> {
    let size = Width::NATIVE.bytes();
    let entries = buffer.len() / (2 * size);
    let emptied = with_state(process, |state| state.emptied.clone());
    let pages: Vec<u64> = (0..entries)
        .map(|entry| size_at(buffer, 2 * entry))
        .collect();
    let blocks = if is_current(process) {
        if emptied.is_empty() {
            return None;
        }
        blocks_of_caller(&pages)
    } else {
        let mut last: Option<MemoryBasicInformation> = None;
        let blocks = pages.iter().map(|&page| {
            let is_known =
                |region: &MemoryBasicInformation| (region.base..region.end()).contains(&page);
            if !last.as_ref().is_some_and(is_known) {
                last = whole_region(process, page);
            }
            last.as_ref()
                .map_or(0, |region| block_by_rule(region, page))
        });
        blocks.collect()
    };
    for (entry, (page, block)) in pages.into_iter().zip(blocks).enumerate() {
        let block = if emptied.contains(&page) { 0 } else { block };
        put(buffer, 2 * entry + 1, block.into());
    }
    Some(Answer {
        status: Status::SUCCESS,
        length: entries * 2 * size,
    })
}

/// Answers setting `ProcessWorkingSetWatchEx`: starts a record, or empties it.
pub(super) fn record_faults(process: BorrowedHandle<'_>) -> Status {
    with_state(process, |state| state.emptied.clear());
    let now = working_set(process)
        .into_iter()
        .map(|(page, _)| page)
        .collect();
    with_state(process, |state| state.watched = Some(now));
    Status::SUCCESS
}

/// Answers `ProcessWorkingSetWatchEx`: the pages that were added since the last call. Their
/// instruction is the first of the region, and their thread is the caller's.
pub(super) fn fetch_faults(process: BorrowedHandle<'_>, buffer: &mut [u8]) -> Answer {
    const ENTRY: usize = 4;
    let size = Width::NATIVE.bytes();
    let now: BTreeSet<u64> = working_set(process)
        .into_iter()
        .map(|(page, _)| page)
        .collect();
    let before = with_state(process, |state| state.watched.clone());
    let Some(before) = before else {
        return super::too_short(Status::INVALID_PARAMETER, 0);
    };
    let added: Vec<u64> = now.difference(&before).copied().collect();
    let lost = added.len().saturating_sub(RECORD);
    let recorded = &added[..added.len() - lost];
    let length = (recorded.len() + 1) * ENTRY * size;
    if buffer.len() < length {
        return super::too_short(Status::BUFFER_TOO_SMALL, length);
    }
    for (index, &page) in recorded.iter().enumerate() {
        // A page that was freed meanwhile has no allocation.
        let base = region(process, page).map_or(0, |region| region.allocation_base);
        let start = if base == 0 { page } else { base };
        put(buffer, ENTRY * index, start);
        put(buffer, ENTRY * index + 1, page);
        put(buffer, ENTRY * index + 2, id(process) + 4);
        put(buffer, ENTRY * index + 3, 0);
    }
    for (field, number) in [0, lost as u64, 0, 0].into_iter().enumerate() {
        put(buffer, ENTRY * recorded.len() + field, number);
    }
    with_state(process, |state| state.watched = Some(now));
    Answer {
        status: Status::SUCCESS,
        length,
    }
}

/// Answers setting `ProcessQuotaLimits`. Two working set limits of -1 empty the working set, but
/// for locked pages.
pub(super) fn set_limits(process: BorrowedHandle<'_>, limits: &[u8]) -> Status {
    const SIZES: usize = 5;
    let size = Width::NATIVE.bytes();
    if limits.len() != (SIZES * size).next_multiple_of(8) + 8 {
        return Status::INFO_LENGTH_MISMATCH;
    }
    if [2, 3].map(|index| size_at(limits, index)) != [usize::MAX as u64; 2] {
        return Status::INVALID_PARAMETER;
    }
    let set = working_set(process).into_iter();
    let emptied = set.filter(|&(_, block)| block & LOCKED == 0);
    let emptied: Vec<u64> = emptied.map(|(page, _)| page).collect();
    with_state(process, |state| state.emptied.extend(emptied));
    Status::SUCCESS
}
