//! Faults kept one by one for a picture: all of them as long as they are few, then a sample.

use psapi::PageFault;

use super::tally::Key;

/// A fault to draw.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    pub fault: PageFault,
    pub program: usize,
}

/// As many points as are kept: 64 bytes each.
const MOST: usize = 1 << 20;

/// Faults, each as likely to be here as any other one.
#[derive(Debug)]
pub struct Points {
    points: Vec<Point>,
    seen: u64,
    most: usize,
    /// Of a generator of numbers that need not be secret, but the same in each run.
    state: u64,
}

impl Default for Points {
    fn default() -> Self {
        Points::new(MOST)
    }
}

impl Points {
    fn new(most: usize) -> Self {
        Points {
            points: Vec::new(),
            seen: 0,
            most,
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub fn add(&mut self, fault: PageFault, key: Key) {
        let point = Point {
            fault,
            program: key.program,
        };
        self.seen += 1;
        if self.points.len() < self.most {
            self.points.push(point);
            return;
        }
        // The n-th one takes the place of another one in `most` of n cases.
        let place = self.random() % self.seen;
        if let Some(kept) = usize::try_from(place)
            .ok()
            .and_then(|place| self.points.get_mut(place))
        {
            *kept = point;
        }
    }

    /// How many faults there were, those that were not kept included.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    pub fn kept(&self) -> &[Point] {
        &self.points
    }

    /// xorshift64*.
    fn random(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
