//! Figures of processes and of the machine as Windows reports them.

use std::os::windows::io::BorrowedHandle;

use crate::sys::windows::buffer::Fixed;
use crate::sys::windows::class::ProcessClass;
use crate::sys::windows::layouts::reader::Width;
use crate::sys::windows::nt::{self, Answer};
use crate::sys::windows::status::Status;

/// The part of a working set that is not private, and the shared memory without a file.
const SHARED: u64 = 0x1_0000;

/// Answers `ProcessVmCounters` with `VM_COUNTERS_EX2`; `None` if Wine can, which is the case for
/// shorter structures.
pub(super) fn vm_counters(process: BorrowedHandle<'_>, buffer: &mut [u8]) -> Option<Answer> {
    const NUMBERS: usize = 12;
    const WORKING_SET: usize = 4;
    let size = Width::NATIVE.bytes();
    let private_working_set = NUMBERS * size;
    // Headers disagree about the width of `SharedCommitUsage` in 32-bit programs.
    let length = match buffer.len() {
        length if length == private_working_set + 2 * size => length,
        length if length == (private_working_set + size).next_multiple_of(8) + 8 => length,
        _ => return None,
    };
    let mut counters = Fixed::<{ NUMBERS * 8 }>::new();
    let counters = &mut counters.0[..NUMBERS * size];
    let answer = nt::query_process(process, ProcessClass::ProcessVmCounters, counters);
    if answer.status.check().is_err() {
        return Some(answer);
    }
    let mut working_set = [0; 8];
    working_set[..size].copy_from_slice(&counters[WORKING_SET * size..][..size]);
    let private = u64::from_le_bytes(working_set).saturating_sub(SHARED);
    buffer.fill(0);
    buffer[..counters.len()].copy_from_slice(counters);
    buffer[private_working_set..][..size].copy_from_slice(&private.to_le_bytes()[..size]);
    let shared = length - (length - private_working_set - size).min(8);
    buffer[shared..][..4].copy_from_slice(&(SHARED as u32).to_le_bytes());
    Some(Answer {
        status: Status::SUCCESS,
        length,
    })
}

/// The page files: name, size, pages in use, and the most that were in use.
const PAGE_FILES: [(&str, u32, u32, u32); 2] = [
    (r"\??\C:\pagefile.sys", 0x8_0000, 0x1_0000, 0x2_0000),
    (r"\Device\HarddiskVolume9\swapfile.sys", 0x1000, 0, 0),
];

/// Answers `SystemPageFileInformation`.
pub(super) fn page_files(buffer: &mut [u8]) -> Answer {
    let size = Width::NATIVE.bytes();
    let base = buffer.as_ptr() as u64;
    let mut bytes = Vec::new();
    for (index, (name, total, in_use, peak)) in PAGE_FILES.into_iter().enumerate() {
        let start = bytes.len();
        for number in [0, total, in_use, peak] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let text = start + 16 + 2 * size;
        bytes.extend_from_slice(&(units.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&(units.len() as u16 + 2).to_le_bytes());
        bytes.resize(start + 16 + size, 0);
        let address = base + text as u64;
        bytes.extend_from_slice(&address.to_le_bytes()[..size]);
        bytes.extend_from_slice(&units);
        bytes.extend_from_slice(&[0, 0]);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        if index + 1 < PAGE_FILES.len() {
            let next = (bytes.len() - start) as u32;
            bytes[start..start + 4].copy_from_slice(&next.to_le_bytes());
        }
    }
    store(buffer, &bytes)
}

/// Answers `SystemMemoryListInformation`.
pub(super) fn memory_lists(buffer: &mut [u8]) -> Answer {
    // Zero, free, modified, modified without writing, and bad pages; standby pages and repurposed
    // pages by priority; modified pages for page files.
    let mut counts = vec![1000_u64, 200, 30, 4, 0];
    counts.extend([0, 10, 20, 30, 40, 5000, 60, 70]);
    counts.extend([0; 8]);
    counts.push(7);
    let size = Width::NATIVE.bytes();
    let bytes = counts
        .iter()
        .flat_map(|count| count.to_le_bytes()[..size].to_vec());
    store(buffer, &bytes.collect::<Vec<_>>())
}

fn store(buffer: &mut [u8], bytes: &[u8]) -> Answer {
    let status = match buffer.get_mut(..bytes.len()) {
        Some(place) => {
            place.copy_from_slice(bytes);
            Status::SUCCESS
        }
        None => Status::INFO_LENGTH_MISMATCH,
    };
    Answer {
        status,
        length: bytes.len(),
    }
}
