//! How fine the blocks are, and where each band goes.

use super::AddressSpace;
use super::bands::{Band, gather};
use super::blocks::{Grid, Part, Rows};
use crate::picture::scene::{MARGIN, WIDTH};

/// Where the blocks start: labels are to the left.
pub const MAP: f64 = 152.0;
pub const MAP_WIDTH: f64 = WIDTH - MARGIN - MAP;
pub const LABEL_WIDTH: f64 = MAP - 8.0 - MARGIN;
/// From one line of small text to the next, and from its top to its base line.
pub const LINE: f64 = 11.25;
pub const BASE: f64 = 8.5;
/// How high the mark of a cut is, without and with text.
pub const CUT: f64 = 5.0;
pub const CUT_WITH_TEXT: f64 = 12.5;
/// What the figures of a band take to the right of its blocks.
const FIGURES: f64 = 152.0;
/// What places are multiples of, so that blocks are whole pixels.
const STEP: f64 = 2.5;
/// From which size on a hole between bands is shown, and how many at most.
const HOLE: u64 = 1 << 30;
const HOLES: usize = 6;
/// How many bands have a label of their own, as far as there is room.
const KEPT: [usize; 6] = [32, 24, 16, 12, 8, 5];

impl Grid {
    /// How wide and high a block is, with what is free beside it.
    pub fn cell(self) -> f64 {
        MAP_WIDTH / self.columns as f64
    }

    /// The same without.
    pub fn side(self) -> f64 {
        self.cell() * 7.0 / 8.0
    }

    /// What a row stands for.
    pub fn row(self) -> u64 {
        self.block * self.columns
    }
}

/// A way to draw an address space.
#[derive(Debug)]
pub struct Layout {
    pub grid: Grid,
    pub bands: Vec<Laid>,
    pub end: f64,
}

/// A band and where it is.
#[derive(Debug)]
pub struct Laid {
    pub band: Band,
    pub rows: Rows,
    pub top: f64,
    pub height: f64,
    /// Whether its figures are to the right of the blocks, in the line that its name is in.
    pub is_line: bool,
    /// The hole before it, if one is shown.
    pub hole: Option<u64>,
}

impl Layout {
    /// The finest blocks that have room, with as many labels as have.
    pub fn new(space: &AddressSpace, bands: &[Band], top: f64, room: f64) -> Layout {
        let grids = grids(space.page_size);
        let coarsest = grids[grids.len() - 1];
        let mut place = Place {
            space,
            top,
            room: f64::INFINITY,
        };
        for kept in KEPT {
            let bands = gather(bands, kept, space);
            let least = place.lay(&bands, coarsest);
            let least = least.map_or(0.0, |layout| layout.end - top);
            if least > room * 0.6 && kept != KEPT[KEPT.len() - 1] {
                continue;
            }
            // Tens of thousands of mappings take more than a page however coarse the blocks are.
            place.room = room.max(least * 1.25);
            if let Some(layout) = grids.iter().find_map(|&grid| place.lay(&bands, grid)) {
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

/// The ways to draw blocks, from the finest on: large for single pages, then small.
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

/// Where bands are laid out.
struct Place<'a> {
    space: &'a AddressSpace,
    top: f64,
    room: f64,
}

impl Place<'_> {
    /// Lays the bands out; `None` if they take more room.
    fn lay(&self, bands: &[Band], grid: Grid) -> Option<Layout> {
        let space = self.space;
        let limit = (self.room / grid.cell()) as u64;
        let least_hole = least_hole(bands, space);
        let mut y = self.top;
        let mut before: Option<u64> = None;
        let mut laid = Vec::with_capacity(bands.len());
        for band in bands {
            let rows = Rows::new(band, space, grid, limit)?;
            let hole = before.map(|before| band.start(space) - before);
            let hole = hole.filter(|&hole| hole >= least_hole);
            if hole.is_some() {
                y += CUT_WITH_TEXT;
            }
            before = Some(band.end(space));
            let rows_height = rows.height(grid);
            let is_line = rows_height < LINE && rows.width(grid) + FIGURES < MAP_WIDTH;
            let lines = if is_line { 1.0 } else { 2.0 };
            let height = (rows_height.max(lines * LINE) / STEP).ceil() * STEP;
            laid.push(Laid {
                band: band.clone(),
                rows,
                top: y,
                height,
                is_line,
                hole,
            });
            y += height + STEP;
            if y - self.top > self.room {
                return None;
            }
        }
        Some(Layout {
            grid,
            bands: laid,
            end: y,
        })
    }
}

/// The smallest hole between bands that is shown.
fn least_hole(bands: &[Band], space: &AddressSpace) -> u64 {
    let mut holes: Vec<u64> = bands
        .windows(2)
        .map(|pair| pair[1].start(space) - pair[0].end(space))
        .filter(|&hole| hole >= HOLE)
        .collect();
    holes.sort_unstable_by(|a, b| b.cmp(a));
    holes.get(HOLES - 1).copied().unwrap_or(HOLE)
}

impl Rows {
    fn height(&self, grid: Grid) -> f64 {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Rows(rows) => (rows.end - rows.start) as f64 * grid.cell(),
                Part::Cut(_) => CUT,
            })
            .sum()
    }

    fn width(&self, grid: Grid) -> f64 {
        let count = self.places.last().map_or(0, |places| places.end);
        count.min(grid.columns) as f64 * grid.cell()
    }
}
