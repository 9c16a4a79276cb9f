//! Which blocks a band is drawn with.

use std::ops::Range;

use super::bands::Band;
use super::{AddressSpace, Stretch, Totals};

/// From so many rows without a page on, a cut is drawn in their place.
const LONG: u64 = 4;

/// A band's blocks, as many in each row as the picture has columns.
#[derive(Debug)]
pub struct Rows {
    /// Equal blocks, one behind another, that pages are known of; by ascending place.
    pub blocks: Vec<Blocks>,
    /// What is drawn, from above.
    pub parts: Vec<Part>,
    /// Where each region of the band has its blocks.
    pub places: Vec<Range<u64>>,
}

/// Equal blocks, one behind another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// How many blocks of the band go before them.
    pub place: u64,
    pub count: u64,
    /// What is in each.
    pub totals: Totals,
}

/// Rows that are drawn, or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Rows(Range<u64>),
    Cut(Range<u64>),
}

/// How blocks are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// The size of a block, a power of two.
    pub block: u64,
    /// How many blocks a row has.
    pub columns: u64,
}

impl Rows {
    /// The blocks of a band. A block is never of two mappings: each mapping starts with one of its
    /// own. `None`: more than `limit` rows have pages.
    pub fn new(band: &Band, space: &AddressSpace, grid: Grid, limit: u64) -> Option<Self> {
        let mut rows = Rows {
            blocks: Vec::new(),
            parts: Vec::new(),
            places: Vec::with_capacity(band.regions.len()),
        };
        let mut next = 0;
        let mut drawn = 0;
        for &index in &band.regions {
            let region = &space.regions[index];
            let first = region.start / grid.block;
            let count = region.end.div_ceil(grid.block) - first;
            rows.places.push(next..next + count);
            for stretch in stretches(space, region.start..region.end) {
                let blocks = rows.blocks.len();
                rows.add(stretch, next, first, grid.block);
                // Only what is new can have opened rows.
                drawn += rows.opened(blocks, grid.columns);
                if drawn > limit {
                    return None;
                }
            }
            next += count;
        }
        rows.cut(next.div_ceil(grid.columns), grid.columns);
        Some(rows)
    }

    /// Adds pages of a region whose first block is `first` of the address space and `place` of the
    /// band.
    fn add(&mut self, stretch: &Stretch, place: u64, first: u64, block: u64) {
        let mut start = stretch.start;
        while start < stretch.end {
            let number = start / block;
            let whole = (stretch.end / block).saturating_sub(number);
            let (count, end) = if start.is_multiple_of(block) && whole > 0 {
                (whole, start + whole * block)
            } else {
                (1, stretch.end.min((number + 1) * block))
            };
            let at = place + number - first;
            let bytes = (end - start) / count;
            match self.blocks.last_mut() {
                Some(last) if last.place + last.count - 1 == at && last.count == 1 => {
                    last.totals.add(stretch.kind, bytes, stretch.locked);
                }
                _ => {
                    let mut totals = Totals::default();
                    totals.add(stretch.kind, bytes, stretch.locked);
                    self.blocks.push(Blocks {
                        place: at,
                        count,
                        totals,
                    });
                }
            }
            start = end;
        }
    }

    /// How many rows have pages first of all by the blocks from `from` on.
    fn opened(&self, from: usize, columns: u64) -> u64 {
        let last_row = |blocks: &Blocks| (blocks.place + blocks.count - 1) / columns;
        let mut before = self.blocks[..from].last().map(last_row);
        let mut opened = 0;
        for blocks in &self.blocks[from..] {
            let (first, last) = (blocks.place / columns, last_row(blocks));
            opened += last - first + u64::from(before != Some(first));
            before = Some(last);
        }
        opened
    }

    /// Decides what is cut out.
    fn cut(&mut self, count: u64, columns: u64) {
        let mut shown = 0;
        let mut parts = Vec::new();
        let mut show = |rows: Range<u64>| {
            if rows.start > shown + LONG - 1 {
                parts.push(Part::Cut(shown..rows.start));
                shown = rows.start;
            }
            if rows.end > shown {
                match parts.last_mut() {
                    Some(Part::Rows(last)) => last.end = rows.end,
                    _ => parts.push(Part::Rows(shown..rows.end)),
                }
                shown = rows.end;
            }
        };
        for blocks in &self.blocks {
            let last = (blocks.place + blocks.count - 1) / columns;
            show(blocks.place / columns..last + 1);
        }
        show(count..count);
        self.parts = parts;
    }
}

/// The stretches within a region.
fn stretches(space: &AddressSpace, range: Range<u64>) -> &[Stretch] {
    let all = &space.stretches;
    let first = all.partition_point(|stretch| stretch.end <= range.start);
    let end = all.partition_point(|stretch| stretch.start < range.end);
    &all[first..end]
}
