//! Bare calls that tell of pages: the least that the kernel lets anyone pay.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd as _;

use nix::ioctl_readwrite;

const PAGE: u64 = 4096;
const WORD: usize = size_of::<u64>();

/// The kernel's `page_region`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

/// The kernel's `pm_scan_arg`.
#[derive(Default)]
#[repr(C)]
pub struct Scan {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

ioctl_readwrite!(
    /// `PAGEMAP_SCAN`.
    pagemap_scan, b'f', 16, Scan
);

/// In memory, or in a page file.
const PRESENT_OR_SWAPPED: u64 = 1 << 3 | 1 << 4;
/// And: a file's, of zeros, part of a huge page.
const ATTRIBUTES: u64 = PRESENT_OR_SWAPPED | 1 << 2 | 1 << 5 | 1 << 6;

/// Scans ranges, and returns how many runs there are.
pub fn scan(id: u32, ranges: &[Range<u64>]) -> anyhow::Result<usize> {
    let pagemap = File::open(format!("/proc/{id}/pagemap"))?;
    let mut regions = [Region::default(); 1024];
    let mut found = 0;
    for range in ranges {
        let mut start = range.start;
        while start < range.end {
            let mut scan = Scan {
                size: size_of::<Scan>() as u64,
                start,
                end: range.end,
                vec: regions.as_mut_ptr() as u64,
                vec_len: regions.len() as u64,
                category_anyof_mask: PRESENT_OR_SWAPPED,
                return_mask: ATTRIBUTES,
                ..Scan::default()
            };
            // SAFETY: the kernel writes at most vec_len regions to vec, which is so long.
            let count = unsafe { pagemap_scan(pagemap.as_raw_fd(), &mut scan)? };
            found += count as usize;
            start = scan.walk_end;
        }
    }
    Ok(found)
}

fn words(file: &File, first: u64, bytes: &mut [u8]) -> anyhow::Result<()> {
    rustix::io::pread(file, bytes, first * WORD as u64)?;
    Ok(())
}

fn word(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().unwrap_or_default())
}

fn frame(word: u64) -> u64 {
    word & ((1 << 55) - 1)
}

/// One `pread` of `pagemap` for each address.
pub fn one_by_one(id: u32, addresses: &[u64]) -> anyhow::Result<Vec<u64>> {
    let pagemap = File::open(format!("/proc/{id}/pagemap"))?;
    let mut found = Vec::with_capacity(addresses.len());
    for address in addresses {
        let mut bytes = [0; WORD];
        words(&pagemap, address / PAGE, &mut bytes)?;
        found.push(word(&bytes));
    }
    Ok(found)
}

/// How often each page of a range is mapped: `pagemap` and `kpagecount` page by page. Returns how
/// many pages have which count.
pub fn counts_one_by_one(id: u32, range: &Range<u64>) -> anyhow::Result<BTreeMap<u64, u64>> {
    let pagemap = File::open(format!("/proc/{id}/pagemap"))?;
    let kpagecount = File::open("/proc/kpagecount")?;
    let mut counts = BTreeMap::new();
    let mut bytes = [0; WORD];
    for page in range.start / PAGE..range.end / PAGE {
        words(&pagemap, page, &mut bytes)?;
        words(&kpagecount, frame(word(&bytes)), &mut bytes)?;
        *counts.entry(word(&bytes)).or_default() += 1;
    }
    Ok(counts)
}

/// The same by large reads: `pagemap` a MiB at a time, `kpagecount` by runs of neighbouring frames.
pub fn counts_in_bulk(id: u32, range: &Range<u64>) -> anyhow::Result<BTreeMap<u64, u64>> {
    let pagemap = File::open(format!("/proc/{id}/pagemap"))?;
    let kpagecount = File::open("/proc/kpagecount")?;
    let mut counts = BTreeMap::new();
    let mut room = vec![0; 1 << 20];
    let mut frames = Vec::new();
    let (first, last) = (range.start / PAGE, range.end / PAGE);
    for page in (first..last).step_by(room.len() / WORD) {
        let bytes = room.len().min((last - page) as usize * WORD);
        words(&pagemap, page, &mut room[..bytes])?;
        frames.clear();
        frames.extend(room[..bytes].chunks_exact(WORD).map(word).map(frame));
        frames.sort_unstable();
        for run in frames.chunk_by(|a, b| a + 1 == *b) {
            for run in run.chunks(room.len() / WORD) {
                let bytes = &mut room[..run.len() * WORD];
                words(&kpagecount, run[0], bytes)?;
                for count in bytes.chunks_exact(WORD).map(word) {
                    *counts.entry(count).or_default() += 1;
                }
            }
        }
    }
    Ok(counts)
}
