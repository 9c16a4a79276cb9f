//! A set of addresses that come in ranges.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges that neither overlap nor touch: the end of each by its start.
#[derive(Debug, Default)]
pub struct Ranges(BTreeMap<usize, usize>);

impl Ranges {
    /// Whether all of a range is in it.
    pub fn cover(&self, range: &Range<usize>) -> bool {
        let before = self.0.range(..=range.start).next_back();
        before.is_some_and(|(_, &end)| end >= range.end)
    }

    /// The parts of a range that are not in it.
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
        // What touches it becomes one with it.
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

    /// Its ranges that a range overlaps, ascending.
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

    fn assert_same(ranges: &Ranges, model: &[bool; SIZE]) {
        for start in 0..SIZE {
            for end in start + 1..=SIZE {
                let part = &model[start..end];
                assert_eq!(ranges.cover(&(start..end)), part.iter().all(|&is| is));
                let gaps = ranges.gaps(&(start..end));
                let in_a_gap = |at: usize| gaps.iter().any(|gap| gap.contains(&at));
                (start..end).for_each(|at| assert_eq!(in_a_gap(at), !model[at]));
                assert!(gaps.iter().all(|gap| gap.start >= start && gap.end <= end));
            }
        }
        let parts: Vec<_> = ranges.0.iter().collect();
        let apart = parts.windows(2).all(|two| two[0].1 < two[1].0);
        assert!(apart, "{parts:?}");
    }

    #[test]
    fn it_is_the_same_as_a_flag_for_each_address() {
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
            match insert {
                true => ranges.insert(range.clone()),
                false => ranges.remove(&range),
            }
            model[range].fill(insert);
            assert_same(&ranges, &model);
        }
    }
}
