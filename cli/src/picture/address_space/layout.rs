//! Chooses the block size and the position of each band.

use super::bands::{Band, merge_small};
use super::grid::Grid;
use super::model::AddressSpace;
use super::rows::Rows;
use crate::picture::metrics::{LINE, MAP_WIDTH};

/// The height of the mark for a gap between bands, including its text.
pub const GAP_HEIGHT: f64 = 12.5;
/// The width of the figures to the right of the blocks of a one-line band.
const FIGURES_WIDTH: f64 = 152.0;
/// Positions are multiples of this, so that blocks are whole pixels.
const STEP: f64 = 2.5;
/// Smaller gaps between bands are never shown.
const MIN_GAP: u64 = 1 << 30;
/// The largest number of gaps that are shown.
const MAX_GAPS: usize = 6;
/// Numbers of bands with a label of their own. The first that leaves enough room for blocks is
/// used.
const LABELED_BANDS: [usize; 6] = [32, 24, 16, 12, 8, 5];

/// The positions of all bands.
#[derive(Debug)]
pub struct Layout {
    pub grid: Grid,
    pub bands: Vec<PlacedBand>,
    /// The position below the last band.
    pub end: f64,
}

/// A band and its position.
#[derive(Debug)]
pub struct PlacedBand {
    pub band: Band,
    pub rows: Rows,
    pub top: f64,
    pub height: f64,
    /// Whether the name, the blocks and the figures are on one line.
    pub is_line: bool,
    /// The size of the gap before the band, if it is shown.
    pub gap: Option<u64>,
}

impl Layout {
    /// Lays bands out between `top` and `top + max_height`, with the smallest blocks that fit.
    ///
    /// First the number of labeled bands is chosen: with the largest blocks, they must leave 40 %
    /// of the height free. Then the smallest blocks that fit are chosen.
    pub fn new(space: &AddressSpace, bands: &[Band], top: f64, max_height: f64) -> Layout {
        let grids = grids(space.page_size);
        let coarsest = grids[grids.len() - 1];
        let mut bounds = Bounds {
            space,
            top,
            max_height: f64::INFINITY,
        };
        for labeled in LABELED_BANDS {
            let bands = merge_small(bands, labeled, space);
            let least = bounds.lay_out(&bands, coarsest);
            let least = least.map_or(0.0, |layout| layout.end - top);
            let is_last = labeled == LABELED_BANDS[LABELED_BANDS.len() - 1];
            if least > max_height * 0.6 && !is_last {
                continue;
            }
            // Tens of thousands of mappings need more than a page even with the largest blocks.
            bounds.max_height = max_height.max(least * 1.25);
            if let Some(layout) = grids.iter().find_map(|&grid| bounds.lay_out(&bands, grid)) {
                return layout;
            }
        }
        Layout {
            grid: coarsest,
            bands: Vec::new(),
            end: top,
        }
    }
}

/// Returns the possible grids by ascending block size. Blocks of one page can be drawn large or
/// small, all others only small.
fn grids(page: u64) -> Vec<Grid> {
    let large = Grid {
        block: page,
        columns: 64,
    };
    let small = (page.ilog2()..48).map(|power| Grid {
        block: 1 << power,
        columns: 128,
    });
    [large].into_iter().chain(small).collect()
}

/// The address space to lay out, and the limits of the layout.
struct Bounds<'a> {
    space: &'a AddressSpace,
    top: f64,
    max_height: f64,
}

impl Bounds<'_> {
    /// Lays bands out. Returns `None` if they need more than the maximum height.
    fn lay_out(&self, bands: &[Band], grid: Grid) -> Option<Layout> {
        let space = self.space;
        let limit = (self.max_height / grid.cell()) as u64;
        let smallest_gap = smallest_gap(bands, space);
        let mut y = self.top;
        let mut before: Option<u64> = None;
        let mut placed = Vec::with_capacity(bands.len());
        for band in bands {
            let rows = Rows::new(band, space, grid, limit)?;
            let gap = before.map(|before| band.start(space) - before);
            let gap = gap.filter(|&gap| gap >= smallest_gap);
            if gap.is_some() {
                y += GAP_HEIGHT;
            }
            before = Some(band.end(space));
            let rows_height = rows.height(grid);
            let is_line = rows_height < LINE && rows.width(grid) + FIGURES_WIDTH < MAP_WIDTH;
            let lines = if is_line { 1.0 } else { 2.0 };
            let height = (rows_height.max(lines * LINE) / STEP).ceil() * STEP;
            placed.push(PlacedBand {
                band: band.clone(),
                rows,
                top: y,
                height,
                is_line,
                gap,
            });
            y += height + STEP;
            if y - self.top > self.max_height {
                return None;
            }
        }
        Some(Layout {
            grid,
            bands: placed,
            end: y,
        })
    }
}

/// Returns the size of the smallest gap to show, so that there are at most [`MAX_GAPS`].
fn smallest_gap(bands: &[Band], space: &AddressSpace) -> u64 {
    let mut gaps: Vec<u64> = bands
        .windows(2)
        .map(|pair| pair[1].start(space) - pair[0].end(space))
        .filter(|&gap| gap >= MIN_GAP)
        .collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    gaps.get(MAX_GAPS - 1).copied().unwrap_or(MIN_GAP)
}
