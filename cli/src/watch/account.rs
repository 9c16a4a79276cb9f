//! The account of a working set: what was there, what came and how, what left.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use psapi::{Mapping, Process, WorkingSetOptions};

/// Pages in memory, as ranges of addresses that ascend and don't touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages(Vec<Range<u64>>);

/// What a process has in its working set, and where.
#[derive(Debug)]
pub struct Snapshot {
    pub pages: Pages,
    pub mappings: Vec<Mapping>,
}

impl Snapshot {
    pub fn of(process: &Process) -> psapi::Result<Self> {
        let options = WorkingSetOptions::new().without_share_counts();
        let set = process.working_set_with(&options, |_| ControlFlow::Continue(()))?;
        let mut pages = Pages::default();
        for run in set.runs().filter(|run| run.is_counted()) {
            pages.push(run.start..run.end);
        }
        Ok(Snapshot {
            pages,
            mappings: set.mappings().to_vec(),
        })
    }
}

impl Pages {
    fn push(&mut self, range: Range<u64>) {
        match self.0.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push(range),
        }
    }

    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// What of it is within a range.
    pub fn bytes_within(&self, within: &Range<u64>) -> u64 {
        let first = self.0.partition_point(|range| range.end <= within.start);
        let touching = self.0[first..]
            .iter()
            .take_while(|range| range.start < within.end);
        touching
            .map(|range| range.end.min(within.end) - range.start.max(within.start))
            .sum()
    }

    /// What is here and not there.
    pub fn without(&self, other: &Pages) -> Pages {
        let mut left = Pages::default();
        let mut rest = &other.0[..];
        for range in &self.0 {
            let passed = rest.partition_point(|taken| taken.end <= range.start);
            rest = &rest[passed..];
            let mut start = range.start;
            for taken in rest.iter().take_while(|taken| taken.start < range.end) {
                if start < taken.start {
                    left.push(start..taken.start);
                }
                start = taken.end;
            }
            if start < range.end {
                left.push(start..range.end);
            }
        }
        left
    }
}

/// Pages that took faults: a bit each, so that it grows with the memory that is touched and not
/// with how often.
#[derive(Debug, Default)]
pub struct Touched {
    blocks: HashMap<u64, [u64; WORDS]>,
    count: u64,
}

/// How many pages a block has: as many as a huge page on most machines.
const PAGES: u64 = 512;
const WORDS: usize = (PAGES / 64) as usize;

impl Touched {
    pub fn add(&mut self, page: u64) {
        let word = &mut self.blocks.entry(page / PAGES).or_default()[(page % PAGES / 64) as usize];
        let bit = 1 << (page % 64);
        self.count += u64::from(*word & bit == 0);
        *word |= bit;
    }

    /// How many of the pages of these ranges of addresses took one.
    fn count_within(&self, pages: &Pages, page_size: u64) -> u64 {
        let mut blocks: Vec<_> = self.blocks.iter().collect();
        blocks.sort_unstable_by_key(|(block, _)| **block);
        let mut count = 0;
        for range in &pages.0 {
            let (first, end) = (range.start / page_size, range.end / page_size);
            let from = blocks.partition_point(|(block, _)| (*block + 1) * PAGES <= first);
            for (block, words) in &blocks[from..] {
                let start = *block * PAGES;
                if start >= end {
                    break;
                }
                for (word, start) in words.iter().zip((start..).step_by(64)) {
                    let before = first.saturating_sub(start).min(64);
                    let within = end.saturating_sub(start).min(64);
                    if before < within {
                        let mask = (u64::MAX >> (64 - (within - before))) << before;
                        count += u64::from((word & mask).count_ones());
                    }
                }
            }
        }
        count
    }
}

/// An account that is open.
#[derive(Debug, Default)]
pub struct Account {
    /// What was there when it was opened, if that could be had.
    before: Option<Pages>,
    pub after: Option<Snapshot>,
    touched: Touched,
    faults: u64,
}

/// An account that is closed: the working set at the end is that at the start, what faults brought,
/// and what came without, less what left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closed {
    pub before: u64,
    /// Pages that took a fault and are there now, and were not before.
    pub by_fault: u64,
    /// Pages that did not take a fault of their own.
    pub without_fault: u64,
    pub left: u64,
    pub after: u64,
    /// Faults on pages that had come already: most often to write to them for the first time.
    pub faults_on_present: u64,
    /// Faults on pages that are not there any more.
    pub faults_on_gone: u64,
}

impl Account {
    pub fn new(before: Option<Snapshot>) -> Self {
        Account {
            before: before.map(|before| before.pages),
            ..Account::default()
        }
    }

    pub fn add(&mut self, address: u64, page_size: u64) {
        self.touched.add(address / page_size);
        self.faults += 1;
    }

    /// The pages that came, and those that left.
    pub fn difference(&self) -> Option<(Pages, Pages)> {
        let (before, after) = (self.before.as_ref()?, &self.after.as_ref()?.pages);
        Some((after.without(before), before.without(after)))
    }

    pub fn close(&self, page_size: u64) -> Option<Closed> {
        let (before, after) = (self.before.as_ref()?, &self.after.as_ref()?.pages);
        let (came, left) = self.difference()?;
        let by_fault = self.touched.count_within(&came, page_size);
        let present = self.touched.count_within(after, page_size);
        let gone = self.touched.count - present;
        Some(Closed {
            before: before.bytes(),
            by_fault: by_fault * page_size,
            without_fault: came.bytes() - by_fault * page_size,
            left: left.bytes(),
            after: after.bytes(),
            faults_on_present: self.faults - by_fault - gone,
            faults_on_gone: gone,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    fn pages(ranges: &[Range<u64>]) -> Pages {
        let range = |range: &Range<u64>| range.start * PAGE..range.end * PAGE;
        Pages(ranges.iter().map(range).collect())
    }

    fn snapshot(ranges: &[Range<u64>]) -> Option<Snapshot> {
        Some(Snapshot {
            pages: pages(ranges),
            mappings: Vec::new(),
        })
    }

    #[test]
    fn what_came_and_what_left() {
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
    fn touched_pages_are_counted_once_and_within_ranges() {
        let mut touched = Touched::default();
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
    fn an_account_closes() {
        let mut account = Account::new(snapshot(&[0..4, 4..10]));
        // Brought and kept; there before; came and left; the first one again.
        for page in [20, 21, 5, 90, 20] {
            account.add(page * PAGE + 7, PAGE);
        }
        assert_eq!(account.close(PAGE), None);
        account.after = snapshot(&[2..10, 20..25]);
        let expected = Closed {
            before: 10 * PAGE,
            by_fault: 2 * PAGE,
            without_fault: 3 * PAGE,
            left: 2 * PAGE,
            after: 13 * PAGE,
            faults_on_present: 2,
            faults_on_gone: 1,
        };
        assert_eq!(account.close(PAGE), Some(expected));
    }
}
