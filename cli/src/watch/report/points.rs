//! Single faults that are kept for a picture: all of them up to a limit, then a random sample.

use crate::picture::FaultPoint;
use crate::watch::engine::{Fault, is_major};

/// A fault to draw and the index of its program in the tally.
#[derive(Debug, Clone, Copy)]
pub struct SampledPoint {
    pub program: usize,
    pub point: FaultPoint,
}

/// The largest number of points, 32 bytes each.
const MAX_POINTS: usize = 1 << 20;

/// A uniform sample of faults (reservoir sampling, algorithm R).
#[derive(Debug)]
pub struct Points {
    points: Vec<SampledPoint>,
    /// Number of faults that were added, sampled or not.
    total: u64,
    limit: usize,
    /// The state of the random number generator. The seed is fixed, so that runs are reproducible.
    random_state: u64,
}

impl Default for Points {
    fn default() -> Self {
        Points {
            points: Vec::new(),
            total: 0,
            limit: MAX_POINTS,
            random_state: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

impl Points {
    /// Adds a fault of a program. `begin_ns` is the start of the watch.
    pub fn add(&mut self, fault: &Fault, program: usize, begin_ns: u64) {
        let point = SampledPoint {
            program,
            point: FaultPoint {
                time_ns: fault.time.saturating_sub(begin_ns),
                address: fault.address,
                major: is_major(fault) == Some(true),
                thread: fault.thread,
            },
        };
        self.total += 1;
        if self.points.len() < self.limit {
            self.points.push(point);
            return;
        }
        // The n-th fault replaces a random point with probability limit / n, so that every fault is
        // in the sample with the same probability.
        let index = self.random() % self.total;
        if let Some(replaced) = usize::try_from(index)
            .ok()
            .and_then(|index| self.points.get_mut(index))
        {
            *replaced = point;
        }
    }

    /// Returns the number of faults that were added, sampled or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the sample.
    pub fn sample(&self) -> &[SampledPoint] {
        &self.points
    }

    /// Returns a pseudorandom number (xorshift64*).
    fn random(&mut self) -> u64 {
        self.random_state ^= self.random_state >> 12;
        self.random_state ^= self.random_state << 25;
        self.random_state ^= self.random_state >> 27;
        self.random_state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
