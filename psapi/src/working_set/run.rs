use std::ops::Range;

use crate::mapping::Mapping;

bitflags::bitflags! {
    /// What a page is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize))]
    pub struct PageAttributes: u16 {
        /// It is in memory.
        const RESIDENT = 1;
        /// It is in a page file, or on its way there or back. Not told of shared memory.
        const SWAPPED = 1 << 1;
        /// It is a page of a file or of shared memory, which others may map, too. A page that is
        /// not is private to the process, or a copy-on-write relation of its fork.
        const FILE = 1 << 2;
        /// It is the page of zeros that all share who have read but not written there. It is
        /// resident, but no working set counts it.
        const ZERO = 1 << 3;
        /// It is part of a huge page that is mapped as one.
        const HUGE = 1 << 4;
        /// It was written to since its process was last marked through `clear_refs`, or since it
        /// came. Not told by every kernel.
        const SOFT_DIRTY = 1 << 5;
    }
}

/// Neighbouring pages of one mapping with equal attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRun<'a> {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// What its pages are.
    pub attributes: PageAttributes,
    /// The mapping that it is part of.
    pub mapping: &'a Mapping,
}

impl PageRun<'_> {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }
}

/// A run as it is kept: the mapping by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    start: u64,
    end: u64,
    mapping: u32,
    attributes: PageAttributes,
}

impl Run {
    pub(crate) fn mapping(&self) -> usize {
        self.mapping as usize
    }

    pub(crate) fn of<'a>(&self, mappings: &'a [Mapping]) -> PageRun<'a> {
        PageRun {
            start: self.start,
            end: self.end,
            attributes: self.attributes,
            mapping: &mappings[self.mapping()],
        }
    }
}

/// Adds pages as the kernel found them: split where one mapping ends and another starts, joined to
/// the run before where they go on with it. `place` is the first mapping that may still be met.
/// What lies in no mapping was mapped after these were listed, and is left out.
pub(crate) fn push(
    runs: &mut Vec<Run>,
    mappings: &[Mapping],
    place: &mut usize,
    pages: Range<u64>,
    attributes: PageAttributes,
) {
    let mut start = pages.start;
    while start < pages.end {
        while mappings
            .get(*place)
            .is_some_and(|mapping| mapping.end <= start)
        {
            *place += 1;
        }
        let Some(mapping) = mappings.get(*place) else {
            return;
        };
        let end = pages.end.min(mapping.end);
        start = start.max(mapping.start);
        if start < end {
            let index = *place as u32;
            match runs.last_mut() {
                Some(last)
                    if (last.end, last.mapping, last.attributes) == (start, index, attributes) =>
                {
                    last.end = end;
                }
                _ => runs.push(Run {
                    start,
                    end,
                    mapping: index,
                    attributes,
                }),
            }
        }
        start = start.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Backing;

    fn mapping(start: u64, end: u64) -> Mapping {
        Mapping {
            start,
            end,
            readable: true,
            writable: true,
            executable: false,
            shared: false,
            offset: 0,
            file: None,
            backing: Backing::Heap,
        }
    }

    #[test]
    fn pages_are_split_at_mappings_and_joined_to_their_like() {
        let mappings = [mapping(10, 20), mapping(20, 30), mapping(40, 50)];
        let (here, huge) = (PageAttributes::RESIDENT, PageAttributes::HUGE);
        let (mut runs, mut place) = (Vec::new(), 0);
        for (start, end, attributes) in [
            (0, 12, here),
            (12, 14, here),
            (14, 15, huge),
            (18, 45, huge),
            (60, 70, here),
        ] {
            push(&mut runs, &mappings, &mut place, start..end, attributes);
        }
        let runs: Vec<_> = runs
            .iter()
            .map(|run| (run.start, run.end, run.mapping, run.attributes))
            .collect();
        assert_eq!(
            runs,
            [
                (10, 14, 0, here),
                (14, 15, 0, huge),
                (18, 20, 0, huge),
                (20, 30, 1, huge),
                (40, 45, 2, huge),
            ]
        );
    }

    #[test]
    fn a_run_takes_24_bytes() {
        assert_eq!(size_of::<Run>(), 24);
    }
}
