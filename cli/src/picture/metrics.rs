//! Measurements that all pictures share, in points.

/// The width of every picture: the text width of an A4 or letter page.
pub const WIDTH: f64 = 480.0;
/// The free space on each side.
pub const MARGIN: f64 = 8.0;
/// The right end of the drawing.
pub const RIGHT: f64 = WIDTH - MARGIN;

/// The left end of the map. Labels are to its left.
pub const MAP: f64 = 152.0;
pub const MAP_WIDTH: f64 = RIGHT - MAP;
pub const LABEL_WIDTH: f64 = MAP - 8.0 - MARGIN;

/// The maximum width of names in `data-` attributes.
pub const MAX_NAME_WIDTH: f64 = 700.0;

/// The height of a line of small text.
pub const LINE: f64 = 11.25;
/// The distance from the top of a line to its baseline.
pub const BASELINE: f64 = 8.5;
