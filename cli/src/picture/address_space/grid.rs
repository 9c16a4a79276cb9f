//! The grid that blocks are drawn on.

use crate::picture::metrics::MAP_WIDTH;

/// The size of a block and the number of columns.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// Bytes of address space per block, a power of two.
    pub block: u64,
    /// Blocks per row.
    pub columns: u64,
}

impl Grid {
    /// Returns the width and height of a block in points, including the gap to the next one.
    pub fn cell(self) -> f64 {
        MAP_WIDTH / self.columns as f64
    }

    /// Returns the width and height of a block without the gap.
    pub fn side(self) -> f64 {
        self.cell() * 7.0 / 8.0
    }

    /// Returns the bytes of address space per row.
    pub fn row(self) -> u64 {
        self.block * self.columns
    }
}
