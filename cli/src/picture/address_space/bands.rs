//! Which mappings share a band.

use super::{AddressSpace, Region, Totals};

/// Neighbouring mappings that are drawn as one.
#[derive(Debug, Clone)]
pub struct Band {
    /// Indices of the regions in it, by ascending address.
    pub regions: Vec<usize>,
    pub totals: Totals,
    /// How many files or other things it gathers, if it does: small ones, drawn one behind another.
    pub gathered: Option<usize>,
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
            gathered: None,
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

    /// Its size, what lies between its mappings left out.
    pub fn size(&self, space: &AddressSpace) -> u64 {
        let sizes = self
            .regions
            .iter()
            .map(|&index| space.regions[index].size());
        sizes.sum()
    }
}

/// Mappings without a page that have no band.
#[derive(Debug, Default)]
pub struct Empty {
    pub mappings: usize,
    pub size: u64,
}

/// The bands of all that has pages, and what has none. Mappings of one file that follow each other
/// are one band, what lies between them included.
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
        if band.totals.known() > 0 {
            bands.push(band);
        } else {
            empty.mappings += band.regions.len();
            empty.size += band.size(space);
        }
    }
    (bands, empty)
}

/// The last region that is of the same file, with nothing but its own and one nameless one at a
/// time before it.
fn last_of_file(regions: &[Region], first: usize) -> usize {
    let is_same = |index: usize| {
        regions
            .get(index)
            .is_some_and(|region| region.is_file && region.name == regions[first].name)
    };
    let mut last = first;
    loop {
        if is_same(last + 1) {
            last += 1;
        } else if is_same(last + 2) && !regions[last + 1].is_file {
            last += 2;
        } else {
            return last;
        }
    }
}

/// So many bands are not gathered, however small they are.
const FEW: usize = 12;
/// Which part of all a band must have so as to not be gathered.
const SMALL: u64 = 256;

/// Gathers neighbouring bands but for the `kept` largest and the landmarks.
pub fn gather(bands: &[Band], kept: usize, space: &AddressSpace) -> Vec<Band> {
    if bands.len() <= FEW {
        return bands.to_vec();
    }
    let all: u64 = bands.iter().map(|band| band.totals.known()).sum();
    let mut by_size: Vec<usize> = (0..bands.len()).collect();
    by_size.sort_by_key(|&index| std::cmp::Reverse(bands[index].totals.known()));
    let mut is_kept = vec![false; bands.len()];
    for &index in by_size.iter().take(kept) {
        is_kept[index] = bands[index].totals.known() > all / SMALL;
    }
    let mut gathered: Vec<Band> = Vec::new();
    let mut open = false;
    for (band, is_kept) in bands.iter().zip(is_kept) {
        let is_landmark = band
            .regions
            .iter()
            .any(|&index| space.regions[index].is_landmark);
        match gathered.last_mut() {
            _ if is_kept || is_landmark => {
                gathered.push(band.clone());
                open = false;
            }
            Some(last) if open => {
                last.regions.extend(&band.regions);
                last.totals.add_all(&band.totals);
                last.gathered = Some(last.gathered.unwrap_or(1) + 1);
            }
            _ => {
                gathered.push(band.clone());
                open = true;
            }
        }
    }
    gathered
}
