//! Arranges the pages of a band in rows of blocks.
//!
//! Positions are numbers of blocks from the start of the band. Every mapping starts with a block of
//! its own, so no block contains two mappings. Consecutive equal blocks are stored as one entry: an
//! address space can have billions of blocks. Long runs of rows without pages are cut out of the
//! drawing.

use std::ops::Range;

use super::bands::Band;
use super::grid::Grid;
use super::model::{AddressSpace, Region, Segment, Totals};
use super::run::Run;

/// The smallest number of consecutive rows without pages that is cut out.
const MIN_CUT_ROWS: u64 = 4;

/// The height in points of the mark for rows that are cut out.
pub const CUT_HEIGHT: f64 = 5.0;

/// The blocks of a band.
#[derive(Debug)]
pub struct Rows {
    /// Blocks with pages, by ascending position.
    pub blocks: Vec<Blocks>,
    /// The drawn and the omitted rows, from the top.
    pub parts: Vec<Part>,
    /// The positions of the blocks of each region in the band.
    pub positions: Vec<Range<u64>>,
}

/// Consecutive equal blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    pub first: u64,
    pub count: u64,
    /// The pages in each block.
    pub totals: Totals,
}

impl Blocks {
    fn end(&self) -> u64 {
        self.first + self.count
    }

    fn rows(&self, columns: u64) -> Range<u64> {
        self.first / columns..(self.end() - 1) / columns + 1
    }
}

/// Consecutive rows that are drawn or cut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Rows(Range<u64>),
    Cut(Range<u64>),
}

impl Rows {
    /// Arranges the pages of a band. Returns `None` if more than `limit` rows have pages.
    pub fn new(band: &Band, space: &AddressSpace, grid: Grid, limit: u64) -> Option<Self> {
        let mut rows = Rows {
            blocks: Vec::new(),
            parts: Vec::new(),
            positions: Vec::with_capacity(band.regions.len()),
        };
        let mut next = 0;
        let mut drawn = 0;
        for &index in &band.regions {
            let region = &space.regions[index];
            let first = region.start / grid.block;
            let count = region.end.div_ceil(grid.block) - first;
            rows.positions.push(next..next + count);
            for segment in space.segments_in(region) {
                let blocks = rows.blocks.len();
                rows.add(segment, next, first, grid.block);
                // Only the new blocks can have added rows.
                drawn += rows.rows_added_since(blocks, grid.columns);
                if drawn > limit {
                    return None;
                }
            }
            next += count;
        }
        rows.cut(next.div_ceil(grid.columns), grid.columns);
        Some(rows)
    }

    /// Adds the pages of a segment. The region starts at block `first` of the address space and at
    /// `position` of the band.
    fn add(&mut self, segment: &Segment, position: u64, first: u64, block: u64) {
        let mut start = segment.start;
        while start < segment.end {
            let number = start / block;
            // As many whole blocks as possible at once; otherwise a part of one block.
            let whole = (segment.end / block).saturating_sub(number);
            let (count, end) = if start.is_multiple_of(block) && whole > 0 {
                (whole, start + whole * block)
            } else {
                (1, segment.end.min((number + 1) * block))
            };
            let at = position + number - first;
            let bytes = (end - start) / count;
            match self.blocks.last_mut() {
                // The previous segment ended in the same block.
                Some(last) if last.end() - 1 == at && last.count == 1 => {
                    last.totals.add(segment.kind, bytes, segment.locked);
                }
                _ => {
                    let mut totals = Totals::default();
                    totals.add(segment.kind, bytes, segment.locked);
                    self.blocks.push(Blocks {
                        first: at,
                        count,
                        totals,
                    });
                }
            }
            start = end;
        }
    }

    /// Returns the number of rows that have pages only in the entries from index `from` on.
    fn rows_added_since(&self, from: usize, columns: u64) -> u64 {
        let mut end = self.blocks[..from]
            .last()
            .map_or(0, |blocks| blocks.rows(columns).end);
        let mut added = 0;
        for blocks in &self.blocks[from..] {
            let rows = blocks.rows(columns);
            added += rows.end - rows.start.max(end);
            end = rows.end;
        }
        added
    }

    /// Divides `count` rows into drawn parts and cuts.
    fn cut(&mut self, count: u64, columns: u64) {
        let mut done = 0;
        let mut parts = Vec::new();
        let mut show = |rows: Range<u64>| {
            if rows.start >= done + MIN_CUT_ROWS {
                parts.push(Part::Cut(done..rows.start));
                done = rows.start;
            }
            if rows.end > done {
                match parts.last_mut() {
                    Some(Part::Rows(last)) => last.end = rows.end,
                    _ => parts.push(Part::Rows(done..rows.end)),
                }
                done = rows.end;
            }
        };
        for blocks in &self.blocks {
            show(blocks.rows(columns));
        }
        // An empty range, which cuts or shows the rows after the last page.
        show(count..count);
        self.parts = parts;
    }

    /// Returns the height in points.
    pub fn height(&self, grid: Grid) -> f64 {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Rows(rows) => (rows.end - rows.start) as f64 * grid.cell(),
                Part::Cut(_) => CUT_HEIGHT,
            })
            .sum()
    }

    /// Returns the width of the longest row in points.
    pub fn width(&self, grid: Grid) -> f64 {
        let count = self.positions.last().map_or(0, |positions| positions.end);
        count.min(grid.columns) as f64 * grid.cell()
    }

    /// Returns the equal blocks from a position on, at most to the end of the mapping or the row.
    /// The caller sets where to draw them.
    pub fn equal_blocks(
        &self,
        position: u64,
        row_end: u64,
        region: &Region,
        mapping: usize,
        grid: Grid,
    ) -> Run {
        let positions = &self.positions[mapping];
        let addresses = |position: u64| {
            let number = region.start / grid.block + position - positions.start;
            let start = (number * grid.block).max(region.start);
            let end = (number + 1).saturating_mul(grid.block).min(region.end);
            start..end
        };
        let size = |position: u64| {
            let addresses = addresses(position);
            addresses.end - addresses.start
        };
        let mapped = size(position);
        let mut end = row_end.min(positions.end);
        // Only the first and the last block of a mapping can be mapped in part.
        if mapped < grid.block {
            end = position + 1;
        } else if size(end - 1) < grid.block {
            end -= 1;
        }
        let next = self
            .blocks
            .partition_point(|blocks| blocks.end() <= position);
        let mut totals = Totals::default();
        let mut following = self.blocks[next..].iter().peekable();
        if let Some(blocks) = following.next_if(|blocks| blocks.first <= position) {
            // Blocks with pages, as long as the next entry is adjacent and equal.
            totals = blocks.totals;
            let mut equal_end = blocks.end();
            while equal_end < end
                && let Some(more) =
                    following.next_if(|more| more.first == equal_end && more.totals == totals)
            {
                equal_end += more.count;
            }
            end = end.min(equal_end);
        } else if let Some(blocks) = following.peek() {
            // Blocks without pages, up to the next block with pages.
            end = end.min(blocks.first);
        }
        Run {
            position: (0.0, 0.0),
            count: end - position,
            totals,
            mapped,
            addresses: addresses(position).start..addresses(end - 1).end,
            mapping,
        }
    }
}
