//! A set of addresses, stored as ranges.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges that neither overlap nor touch. The map holds the end of each range by its start.
#[derive(Debug, Default)]
pub struct Ranges(BTreeMap<usize, usize>);

impl Ranges {
    /// Returns true if the set contains all of a range.
    pub fn contains(&self, range: &Range<usize>) -> bool {
        let before = self.0.range(..=range.start).next_back();
        before.is_some_and(|(_, &end)| end >= range.end)
    }

    /// Returns the parts of a range that are not in the set.
    pub fn gaps(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let mut reached = range.start;
        for part in self.overlapping(range) {
            if part.start > reached {
                gaps.push(reached..part.start);
            }
            reached = part.end;
        }
        if reached < range.end {
            gaps.push(reached..range.end);
        }
        gaps
    }

    pub fn insert(&mut self, range: Range<usize>) {
        let mut whole = range.clone();
        // Adjacent ranges are merged with the new one.
        let near = range.start.saturating_sub(1)..range.end.saturating_add(1);
        for part in self.overlapping(&near) {
            self.0.remove(&part.start);
            whole = whole.start.min(part.start)..whole.end.max(part.end);
        }
        self.0.insert(whole.start, whole.end);
    }

    pub fn remove(&mut self, range: &Range<usize>) {
        for part in self.overlapping(range) {
            self.0.remove(&part.start);
            if part.start < range.start {
                self.0.insert(part.start, range.start);
            }
            if part.end > range.end {
                self.0.insert(range.end, part.end);
            }
        }
    }

    /// Returns the ranges of the set that overlap a range, in ascending order.
    fn overlapping(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = self
            .0
            .range(..range.end)
            .rev()
            .map(|(&start, &end)| start..end)
            .take_while(|part| part.end > range.start)
            .collect();
        parts.reverse();
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 24;

    fn assert_equal(ranges: &Ranges, model: &[bool; SIZE]) {
        for start in 0..SIZE {
            for end in start + 1..=SIZE {
                let part = &model[start..end];
                assert_eq!(ranges.contains(&(start..end)), part.iter().all(|&is| is));
                let gaps = ranges.gaps(&(start..end));
                let in_gap = |at: usize| gaps.iter().any(|gap| gap.contains(&at));
                (start..end).for_each(|at| assert_eq!(in_gap(at), !model[at]));
                assert!(gaps.iter().all(|gap| gap.start >= start && gap.end <= end));
            }
        }
        let parts: Vec<_> = ranges.0.iter().collect();
        let apart = parts.windows(2).all(|two| two[0].1 < two[1].0);
        assert!(apart, "{parts:?}");
    }

    /// Compares the set with a model that has a flag for each address.
    #[test]
    fn behaves_like_a_bitmap() {
        let mut ranges = Ranges::default();
        let mut model = [false; SIZE];
        let mut state = 1u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % below
        };
        for _ in 0..500 {
            let start = random(SIZE);
            let range = start..start + 1 + random(SIZE - start);
            let insert = random(2) == 0;
            if insert {
                ranges.insert(range.clone());
            } else {
                ranges.remove(&range);
            }
            model[range].fill(insert);
            assert_equal(&ranges, &model);
        }
    }
}
