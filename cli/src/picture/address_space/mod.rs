//! The map of an address space: each mapping is a band, and each block of pages has the color of
//! its state.
//!
//! `working_set` converts a working set to the `model`, and `difference` the changes between two.
//! `bands` decides which mappings share a band, `rows` arranges the blocks of a band, and `layout`
//! chooses the block size. `run` draws consecutive equal blocks, and `draw` the whole picture.

mod bands;
mod difference;
mod draw;
mod figures;
mod grid;
mod layout;
mod model;
mod rows;
mod run;
mod working_set;

use psapi::{WorkingSet, WorkingSetDifference};

use super::scene::Scene;

/// Draws the address space of a working set.
///
/// The working set needs share counts of private pages; see
/// [`WorkingSetOptions::with_private_share_counts`](psapi::WorkingSetOptions::with_private_share_counts).
pub fn address_space_scene(set: &WorkingSet, title: String, time: &str) -> Scene {
    draw::scene(&working_set::address_space(set, title, time))
}

/// Draws the address space of a difference between two working sets, with their times.
pub fn difference_scene(
    difference: &WorkingSetDifference<'_>,
    title: String,
    times: [&str; 2],
) -> Scene {
    draw::scene(&difference::address_space(difference, title, times))
}
