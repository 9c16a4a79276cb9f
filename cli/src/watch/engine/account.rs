//! The account of a working set: the memory before, the memory that arrived and how, the memory
//! that was evicted, and the memory after.
//!
//! An account compares two snapshots of the resident pages with the set of pages that took faults.
//! The set has one bit per page. Its size depends on the memory that was touched, not on the number
//! of faults.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use psapi::{Backing, Mapping, Process, WorkingSetOptions};

/// Pages as address ranges in ascending order. Ranges neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRanges(Vec<Range<u64>>);

/// The resident pages of a process and its mappings at one time.
#[derive(Debug)]
pub struct Snapshot {
    pub pages: PageRanges,
    pub mappings: Vec<Mapping>,
}

impl Snapshot {
    /// Reads the working set of a process.
    pub fn read(process: &Process) -> psapi::Result<Self> {
        let options = WorkingSetOptions::new().without_share_counts();
        let set = process.working_set_with(&options, |_| ControlFlow::Continue(()))?;
        let mut pages = PageRanges::default();
        for run in set.runs().filter(|run| run.is_counted()) {
            pages.push(run.start..run.end);
        }
        Ok(Snapshot {
            pages,
            mappings: set.mappings().to_vec(),
        })
    }

    /// Returns the end of the main thread's stack, which grows down. The kernel chooses it at
    /// `execve`, at random unless that is turned off, and it never changes afterwards.
    pub fn stack_end(&self) -> Option<u64> {
        let stack = |mapping: &&Mapping| mapping.backing == Backing::Stack;
        Some(self.mappings.iter().find(stack)?.end)
    }
}

impl PageRanges {
    fn push(&mut self, range: Range<u64>) {
        match self.0.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push(range),
        }
    }

    /// Returns the size of all ranges in bytes.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// Returns the number of bytes that lie within an address range.
    pub fn bytes_within(&self, within: &Range<u64>) -> u64 {
        let first = self.0.partition_point(|range| range.end <= within.start);
        let overlapping = self.0[first..]
            .iter()
            .take_while(|range| range.start < within.end);
        overlapping
            .map(|range| range.end.min(within.end) - range.start.max(within.start))
            .sum()
    }

    /// Returns the pages that are in `self` but not in `other`.
    pub fn without(&self, other: &PageRanges) -> PageRanges {
        let mut remaining = PageRanges::default();
        // Both lists ascend, so ranges of `other` below the current one are never needed again.
        let mut removed = &other.0[..];
        for range in &self.0 {
            let passed = removed.partition_point(|hole| hole.end <= range.start);
            removed = &removed[passed..];
            let mut start = range.start;
            for hole in removed.iter().take_while(|hole| hole.start < range.end) {
                if start < hole.start {
                    remaining.push(start..hole.start);
                }
                start = hole.end;
            }
            if start < range.end {
                remaining.push(start..range.end);
            }
        }
        remaining
    }
}

/// The set of pages that took faults, as a bitmap by blocks of pages.
#[derive(Debug, Default)]
pub struct TouchedPages {
    blocks: HashMap<u64, [u64; BLOCK_WORDS]>,
    count: u64,
}

/// Pages per block: the size of a huge page on most machines.
const BLOCK_PAGES: u64 = 512;
const BLOCK_WORDS: usize = (BLOCK_PAGES / 64) as usize;

impl TouchedPages {
    /// Adds a page by its number. Adding a page again has no effect.
    pub fn add(&mut self, page: u64) {
        let block = self.blocks.entry(page / BLOCK_PAGES).or_default();
        let word = &mut block[(page % BLOCK_PAGES / 64) as usize];
        let bit = 1 << (page % 64);
        self.count += u64::from(*word & bit == 0);
        *word |= bit;
    }

    /// Returns the number of touched pages within address ranges.
    fn count_within(&self, pages: &PageRanges, page_size: u64) -> u64 {
        let mut blocks: Vec<_> = self.blocks.iter().collect();
        blocks.sort_unstable_by_key(|(block, _)| **block);
        let mut count = 0;
        for range in &pages.0 {
            let (first, end) = (range.start / page_size, range.end / page_size);
            let from = blocks.partition_point(|(block, _)| (*block + 1) * BLOCK_PAGES <= first);
            for (block, words) in &blocks[from..] {
                let start = *block * BLOCK_PAGES;
                if start >= end {
                    break;
                }
                for (word, start) in words.iter().zip((start..).step_by(64)) {
                    // Bits below `low` are before the range, bits from `high` on are after it.
                    let low = first.saturating_sub(start).min(64);
                    let high = end.saturating_sub(start).min(64);
                    if low < high {
                        let mask = (u64::MAX >> (64 - (high - low))) << low;
                        count += u64::from((word & mask).count_ones());
                    }
                }
            }
        }
        count
    }
}

/// An account that is still open: a first snapshot, and the faults since.
#[derive(Debug, Default)]
pub struct Account {
    /// The resident pages at the start; `None` if they could not be read.
    before: Option<PageRanges>,
    pub after: Option<Snapshot>,
    touched: TouchedPages,
    faults: u64,
}

/// The figures of an account, in bytes except where stated.
///
/// `before + by_fault + without_fault - evicted == after`, to the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClosedAccount {
    pub before: u64,
    /// The size of pages that took a fault, are resident at the end, and were not at the start.
    pub by_fault: u64,
    /// The size of other pages that are resident at the end and were not at the start.
    pub without_fault: u64,
    pub evicted: u64,
    pub after: u64,
    /// Number of faults on pages that were already resident, most often first writes.
    pub faults_on_present: u64,
    /// Number of pages that took a fault and are not resident at the end.
    pub faults_on_gone: u64,
}

impl Account {
    pub fn new(before: Option<Snapshot>) -> Self {
        Account {
            before: before.map(|before| before.pages),
            ..Account::default()
        }
    }

    /// Adds a fault.
    pub fn add(&mut self, address: u64, page_size: u64) {
        self.touched.add(address / page_size);
        self.faults += 1;
    }

    /// Returns the pages that arrived and the pages that were evicted.
    pub fn difference(&self) -> Option<(PageRanges, PageRanges)> {
        let (before, after) = (self.before.as_ref()?, &self.after.as_ref()?.pages);
        Some((after.without(before), before.without(after)))
    }

    /// Returns the figures so far, or `None` if one of the snapshots is missing.
    pub fn close(&self, page_size: u64) -> Option<ClosedAccount> {
        let (before, after) = (self.before.as_ref()?, &self.after.as_ref()?.pages);
        let (arrived, evicted) = self.difference()?;
        let by_fault = self.touched.count_within(&arrived, page_size);
        let present = self.touched.count_within(after, page_size);
        let gone = self.touched.count - present;
        Some(ClosedAccount {
            before: before.bytes(),
            by_fault: by_fault * page_size,
            without_fault: arrived.bytes() - by_fault * page_size,
            evicted: evicted.bytes(),
            after: after.bytes(),
            // The first fault of each page in `by_fault`, and of each page that is gone, brought
            // the page in. All other faults were on present pages.
            faults_on_present: self.faults - by_fault - gone,
            faults_on_gone: gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    fn pages(ranges: &[Range<u64>]) -> PageRanges {
        let range = |range: &Range<u64>| range.start * PAGE..range.end * PAGE;
        PageRanges(ranges.iter().map(range).collect())
    }

    fn snapshot(ranges: &[Range<u64>]) -> Option<Snapshot> {
        Some(Snapshot {
            pages: pages(ranges),
            mappings: Vec::new(),
        })
    }

    #[test]
    fn without_keeps_only_other_pages() {
        let before = pages(&[0..10, 20..30, 40..41]);
        let after = pages(&[5..22, 25..26, 50..60]);
        assert_eq!(after.without(&before), pages(&[10..20, 50..60]));
        assert_eq!(
            before.without(&after),
            pages(&[0..5, 22..25, 26..30, 40..41])
        );
        assert_eq!(before.without(&before), pages(&[]));
        assert_eq!(before.without(&pages(&[])), before);
        assert_eq!(after.bytes_within(&(6 * PAGE..51 * PAGE)), 18 * PAGE);
    }

    #[test]
    fn touched_pages_count_once() {
        let mut touched = TouchedPages::default();
        let all = [0, 1, 63, 64, 511, 512, 513, 5000, 1 << 40];
        for page in all.iter().chain(&all) {
            touched.add(*page);
        }
        assert_eq!(touched.count, 9);
        for (range, count) in [
            (0..1, 1),
            (0..64, 3),
            (1..512, 4),
            (2..63, 0),
            (64..65, 1),
            (511..514, 3),
            (514..5000, 0),
            (0..(1 << 40) + 1, 9),
        ] {
            let within = pages(std::slice::from_ref(&range));
            assert_eq!(touched.count_within(&within, PAGE), count, "{range:?}");
        }
    }

    #[test]
    fn closed_account_balances() {
        let mut account = Account::new(snapshot(&[0..4, 4..10]));
        // 20 and 21 arrive, 5 was resident before, and 90 is gone at the end. 20 faults twice.
        for page in [20, 21, 5, 90, 20] {
            account.add(page * PAGE + 7, PAGE);
        }
        assert_eq!(account.close(PAGE), None);
        account.after = snapshot(&[2..10, 20..25]);
        let expected = ClosedAccount {
            before: 10 * PAGE,
            by_fault: 2 * PAGE,
            without_fault: 3 * PAGE,
            evicted: 2 * PAGE,
            after: 13 * PAGE,
            faults_on_present: 2,
            faults_on_gone: 1,
        };
        assert_eq!(account.close(PAGE), Some(expected));
    }
}
