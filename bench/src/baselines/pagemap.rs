//! Bare system calls that report pages: the smallest possible cost.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd as _;

use nix::ioctl_readwrite;

const PAGE: u64 = 4096;
/// The size of an entry of `pagemap` and `kpagecount`.
const ENTRY: usize = size_of::<u64>();

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

/// Pages in memory or in swap.
const PRESENT_OR_SWAPPED: u64 = 1 << 3 | 1 << 4;
/// These pages, with the attributes file, zero page and huge page.
const ATTRIBUTES: u64 = PRESENT_OR_SWAPPED | 1 << 2 | 1 << 5 | 1 << 6;

/// Scans ranges and returns the number of runs.
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
            // SAFETY: the kernel writes at most `vec_len` regions to `vec`, which is the length of
            // `regions`.
            let count = unsafe { pagemap_scan(pagemap.as_raw_fd(), &mut scan)? };
            found += count as usize;
            start = scan.walk_end;
        }
    }
    Ok(found)
}

/// Reads `pagemap` or `kpagecount` entries, starting at entry number `first`.
fn read_entries(file: &File, first: u64, bytes: &mut [u8]) -> anyhow::Result<()> {
    rustix::io::pread(file, bytes, first * ENTRY as u64)?;
    Ok(())
}

fn entry(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().unwrap_or_default())
}

/// Returns the frame number in a `pagemap` entry.
fn frame(entry: u64) -> u64 {
    entry & ((1 << 55) - 1)
}

/// Reads the `pagemap` entry of each address with one `pread`.
pub fn one_by_one(id: u32, addresses: &[u64]) -> anyhow::Result<Vec<u64>> {
    let pagemap = File::open(format!("/proc/{id}/pagemap"))?;
    let mut found = Vec::with_capacity(addresses.len());
    for address in addresses {
        let mut bytes = [0; ENTRY];
        read_entries(&pagemap, address / PAGE, &mut bytes)?;
        found.push(entry(&bytes));
    }
    Ok(found)
}

/// Counts the mappings of each page of a range, reading `pagemap` and `kpagecount` page by page.
/// Returns the number of pages for each count.
pub fn counts_one_by_one(id: u32, range: &Range<u64>) -> anyhow::Result<BTreeMap<u64, u64>> {
    let pagemap = File::open(format!("/proc/{id}/pagemap"))?;
    let kpagecount = File::open("/proc/kpagecount")?;
    let mut counts = BTreeMap::new();
    let mut bytes = [0; ENTRY];
    for page in range.start / PAGE..range.end / PAGE {
        read_entries(&pagemap, page, &mut bytes)?;
        read_entries(&kpagecount, frame(entry(&bytes)), &mut bytes)?;
        *counts.entry(entry(&bytes)).or_default() += 1;
    }
    Ok(counts)
}

/// Like [`counts_one_by_one`], with large reads: `pagemap` by the MiB, `kpagecount` by runs of
/// adjacent frames. Also returns the number of reads of `kpagecount`.
pub fn counts_in_bulk(id: u32, range: &Range<u64>) -> anyhow::Result<(BTreeMap<u64, u64>, u64)> {
    let pagemap = File::open(format!("/proc/{id}/pagemap"))?;
    let kpagecount = File::open("/proc/kpagecount")?;
    let mut counts = BTreeMap::new();
    let mut buffer = vec![0; 1 << 20];
    let mut frames = Vec::new();
    let mut reads = 0;
    let (first, last) = (range.start / PAGE, range.end / PAGE);
    for page in (first..last).step_by(buffer.len() / ENTRY) {
        let bytes = buffer.len().min((last - page) as usize * ENTRY);
        read_entries(&pagemap, page, &mut buffer[..bytes])?;
        frames.clear();
        frames.extend(buffer[..bytes].chunks_exact(ENTRY).map(entry).map(frame));
        frames.sort_unstable();
        for run in frames.chunk_by(|a, b| a + 1 == *b) {
            for run in run.chunks(buffer.len() / ENTRY) {
                let bytes = &mut buffer[..run.len() * ENTRY];
                read_entries(&kpagecount, run[0], bytes)?;
                reads += 1;
                for count in bytes.chunks_exact(ENTRY).map(entry) {
                    *counts.entry(count).or_default() += 1;
                }
            }
        }
    }
    Ok((counts, reads))
}
