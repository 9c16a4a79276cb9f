//! Decides which mappings share a band.

use super::model::{AddressSpace, Region, Subject, Totals};

/// Adjacent mappings that are drawn together.
#[derive(Debug, Clone)]
pub struct Band {
    /// Indices of its regions, by ascending address.
    pub regions: Vec<usize>,
    pub totals: Totals,
    /// The number of small bands that were merged into this one; `None` for an original band.
    pub merged: Option<usize>,
}

impl Band {
    fn new(regions: Vec<usize>, space: &AddressSpace) -> Self {
        let mut totals = Totals::default();
        for &index in &regions {
            totals.add_all(&space.regions[index].totals);
        }
        Band {
            regions,
            totals,
            merged: None,
        }
    }

    pub fn start(&self, space: &AddressSpace) -> u64 {
        self.regions
            .first()
            .map_or(0, |&first| space.regions[first].start)
    }

    pub fn end(&self, space: &AddressSpace) -> u64 {
        self.regions
            .last()
            .map_or(0, |&last| space.regions[last].end)
    }

    /// Returns the size of its mappings, without the gaps between them.
    pub fn size(&self, space: &AddressSpace) -> u64 {
        let sizes = self
            .regions
            .iter()
            .map(|&index| space.regions[index].size());
        sizes.sum()
    }
}

/// The mappings without pages, which have no band.
#[derive(Debug, Default)]
pub struct Empty {
    pub mappings: usize,
    pub size: u64,
}

/// Returns a band for each mapping with pages, and a summary of the mappings without.
///
/// Consecutive mappings of one file form one band, even with an anonymous mapping between them.
pub fn bands(space: &AddressSpace) -> (Vec<Band>, Empty) {
    let regions = &space.regions;
    let mut bands = Vec::new();
    let mut empty = Empty::default();
    let mut next = 0;
    while next < regions.len() {
        let first = next;
        let last = if regions[first].is_file {
            last_of_file(regions, first)
        } else {
            first
        };
        next = last + 1;
        let band = Band::new((first..=last).collect(), space);
        if band.totals.all() > 0 {
            bands.push(band);
        } else {
            empty.mappings += band.regions.len();
            empty.size += band.size(space);
        }
    }
    (bands, empty)
}

/// Returns the last region of the file that `first` maps. Between two regions of the file, one
/// region without a file is allowed: the `.bss` of a library, for instance.
fn last_of_file(regions: &[Region], first: usize) -> usize {
    let has_same_file = |index: usize| {
        regions
            .get(index)
            .is_some_and(|region| region.is_file && region.name == regions[first].name)
    };
    let mut last = first;
    loop {
        if has_same_file(last + 1) {
            last += 1;
        } else if has_same_file(last + 2) && !regions[last + 1].is_file {
            last += 2;
        } else {
            return last;
        }
    }
}

/// Up to this number, bands are never merged.
const MIN_BANDS: usize = 12;
/// A band is small if its share of all pages is at most 1 / `SMALL_DIVISOR`. In a difference, only
/// changed pages count.
const SMALL_DIVISOR: u64 = 256;

/// Merges adjacent bands. Landmarks stay separate. So do the `kept` largest bands, unless they are
/// small.
pub fn merge_small(bands: &[Band], kept: usize, space: &AddressSpace) -> Vec<Band> {
    if bands.len() <= MIN_BANDS {
        return bands.to_vec();
    }
    let sizes: Vec<u64> = bands
        .iter()
        .map(|band| match space.subject {
            Subject::WorkingSet => band.totals.all(),
            Subject::Difference => band.totals.changed(),
        })
        .collect();
    let all: u64 = sizes.iter().sum();
    let mut by_size: Vec<usize> = (0..bands.len()).collect();
    by_size.sort_by_key(|&index| std::cmp::Reverse(sizes[index]));
    let mut is_kept = vec![false; bands.len()];
    for &index in by_size.iter().take(kept) {
        is_kept[index] = sizes[index] > all / SMALL_DIVISOR;
    }
    let mut result: Vec<Band> = Vec::new();
    // Whether further small bands are merged into the last band of the result.
    let mut open = false;
    for (band, is_kept) in bands.iter().zip(is_kept) {
        let is_landmark = band
            .regions
            .iter()
            .any(|&index| space.regions[index].is_landmark);
        match result.last_mut() {
            _ if is_kept || is_landmark => {
                result.push(band.clone());
                open = false;
            }
            Some(last) if open => {
                last.regions.extend(&band.regions);
                last.totals.add_all(&band.totals);
                last.merged = Some(last.merged.unwrap_or(1) + 1);
            }
            _ => {
                result.push(band.clone());
                open = true;
            }
        }
    }
    result
}
