//! Assignment of pages to ranges of addresses.

use std::ops::Range;

/// Ranges of addresses, in which pages are looked up.
#[derive(Debug)]
pub(super) struct Ranges {
    /// By ascending address, without overlaps; with the index of the range.
    sorted: Vec<(Range<u64>, usize)>,
}

impl Ranges {
    /// Sorts the ranges. Where ranges overlap, addresses belong to the range that begins first.
    pub(super) fn new(ranges: &[Range<u64>]) -> Self {
        let mut sorted: Vec<_> = ranges.iter().cloned().zip(0..).collect();
        sorted.sort_by_key(|(range, _)| range.start);
        let mut reached = 0;
        for (range, _) in &mut sorted {
            range.start = range.start.max(reached);
            reached = reached.max(range.end);
        }
        sorted.retain(|(range, _)| range.start < range.end);
        Ranges { sorted }
    }

    /// Returns the index of the range that contains an address, and the address up to which this
    /// applies. The index is `None` outside of all ranges.
    pub(super) fn find(&self, address: u64) -> (Option<usize>, u64) {
        let at = self
            .sorted
            .partition_point(|(range, _)| range.end <= address);
        match self.sorted.get(at) {
            Some((range, index)) if range.start <= address => (Some(*index), range.end),
            Some((range, _)) => (None, range.start),
            None => (None, u64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_belong_to_first_range() {
        let ranges = Ranges::new(&[30..40, 10..20, 15..35, 12..18, 50..50]);
        for (address, expected) in [
            (0, (None, 10)),
            (10, (Some(1), 20)),
            (19, (Some(1), 20)),
            (20, (Some(2), 35)),
            (35, (Some(0), 40)),
            (40, (None, u64::MAX)),
        ] {
            assert_eq!(ranges.find(address), expected, "{address}");
        }
    }
}
