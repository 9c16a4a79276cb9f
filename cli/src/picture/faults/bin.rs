//! A bin: the faults of one row and one column of a band.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::model::FaultPoint;
use crate::picture::metrics::MAP;
use crate::picture::palette::Color;
use crate::picture::scene::{Attributes, Element, Outline};

/// The width and height of a bin, including the gap to the next one.
pub const CELL: f64 = 2.5;
/// The same without the gap.
const SIDE: f64 = CELL * 7.0 / 8.0;
/// The number of threads and of mappings that the description of a bin names.
const MAX_NAMES: usize = 4;

/// Faults of one row and one column.
pub struct Bin {
    minor: u64,
    major: u64,
    addresses: RangeInclusive<u64>,
    times: RangeInclusive<u64>,
    threads: BTreeSet<u32>,
    /// Indices of the spans of the band.
    spans: BTreeSet<usize>,
}

impl Bin {
    /// Creates an empty bin for a first fault.
    pub fn new(point: &FaultPoint) -> Self {
        Bin {
            minor: 0,
            major: 0,
            addresses: point.address..=point.address,
            times: point.time_ns..=point.time_ns,
            threads: BTreeSet::new(),
            spans: BTreeSet::new(),
        }
    }

    /// Adds a fault. `span` is the index of its span in the band.
    pub fn add(&mut self, point: &FaultPoint, span: Option<usize>) {
        if point.major {
            self.major += 1;
        } else {
            self.minor += 1;
        }
        extend(&mut self.addresses, point.address);
        extend(&mut self.times, point.time_ns);
        self.threads.insert(point.thread);
        self.spans.extend(span);
    }

    /// Draws a square that grows with the order of magnitude of its faults.
    pub fn draw(&self, row: u64, column: u64) -> Element {
        let side = SIDE
            * match self.minor + self.major {
                0..2 => 0.4,
                2..11 => 0.6,
                11..101 => 0.8,
                _ => 1.0,
            };
        let free = (SIDE - side) / 2.0;
        let end = free + side;
        let mut elements = Vec::new();
        if self.minor > 0 {
            let mut outline = Outline::default();
            outline.rectangle(free, free, side, side);
            elements.push(Element::path(Color::MinorFault, outline));
        }
        if self.major > 0 {
            let mut outline = Outline::default();
            if self.minor > 0 {
                // The lower right half; the minor faults stay visible in the upper left one.
                outline.polygon(&[(end, free), (end, end), (free, end)]);
            } else {
                outline.rectangle(free, free, side, side);
            }
            elements.push(Element::path(Color::MajorFault, outline));
        }
        Element::Group {
            class: "bin",
            position: (MAP + column as f64 * CELL, row as f64 * CELL),
            attributes: self.attributes(),
            elements,
        }
    }

    /// Returns the figures for the script of a page.
    fn attributes(&self) -> Attributes {
        let mut attributes = vec![
            ("data-minor", self.minor.to_string()),
            ("data-major", self.major.to_string()),
            (
                "data-at",
                format!("{:x} {:x}", self.addresses.start(), self.addresses.end()),
            ),
            (
                "data-ns",
                format!("{} {}", self.times.start(), self.times.end()),
            ),
        ];
        for (name, count_name, numbers) in [
            (
                "data-thread",
                "data-threads",
                self.threads.iter().map(u32::to_string).collect(),
            ),
            (
                "data-mapping",
                "data-spans",
                self.spans.iter().map(usize::to_string).collect(),
            ),
        ] {
            let numbers: Vec<String> = numbers;
            let named = numbers.len().min(MAX_NAMES);
            attributes.push((name, numbers[..named].join(" ")));
            if numbers.len() > named {
                attributes.push((count_name, numbers.len().to_string()));
            }
        }
        attributes
    }
}

/// Extends a range so that it contains a number.
fn extend(range: &mut RangeInclusive<u64>, number: u64) {
    *range = number.min(*range.start())..=number.max(*range.end());
}
