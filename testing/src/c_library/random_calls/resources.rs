//! What calls return that later calls take.

use super::random::Random;

/// The largest number of handles, regions and messages that are kept.
const MAX_KEPT: usize = 64;

/// Handles, and memory that the library allocated.
#[derive(Default)]
pub struct Resources {
    /// Handles, open and closed.
    pub processes: Vec<usize>,
    pub open: Vec<usize>,
    pub regions: Vec<usize>,
    pub locals: Vec<usize>,
    pub snapshots: Vec<usize>,
    pub tokens: Vec<usize>,
    pub blocks: Vec<usize>,
    pub libraries: Vec<usize>,
}

impl Resources {
    /// Returns true if there are many resources to release.
    pub fn are_many(&self) -> bool {
        let kept = [
            &self.open,
            &self.regions,
            &self.locals,
            &self.blocks,
            &self.libraries,
        ];
        kept.iter().any(|kept| kept.len() > MAX_KEPT)
    }
}

/// Returns a random element, or 0 if there is none.
pub fn one_of(random: &mut Random, all: &[usize]) -> usize {
    match all {
        [] => 0,
        all => random.one_of(all),
    }
}

/// Adds a value, in place of another one if there are many.
pub fn keep(all: &mut Vec<usize>, random: &mut Random, value: usize) {
    if all.len() < MAX_KEPT {
        all.push(value);
    } else {
        let index = random.below(MAX_KEPT);
        all[index] = value;
    }
}
