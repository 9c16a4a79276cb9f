//! Draws runs of equal blocks.
//!
//! A block is divided into four stripes, which show its states in proportion. Hollow and
//! half-filled shapes mark pages without memory of their own, so that pictures stay readable
//! without color.

use std::ops::Range;

use super::grid::Grid;
use super::model::Totals;
use crate::picture::page_kind::PageKind;
use crate::picture::palette::Color;
use crate::picture::scene::{Attributes, Element, Outline};

/// The state of a block or of a stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    NotMapped,
    /// Mapped but not in memory.
    Absent,
    Pages(PageKind),
}

impl State {
    pub const fn color(self) -> Color {
        match self {
            State::NotMapped => Color::Background,
            State::Absent => Color::Absent,
            State::Pages(kind) => Color::Page(kind),
        }
    }

    /// Draws a block in this state for the legend.
    pub fn sample(self, side: f64) -> Element {
        let mut outline = Outline::default();
        self.add_to(&mut outline, 0.0, side, side);
        Element::path(self.color(), outline)
    }

    /// Adds the shape of a block. States without memory of their own have a hollow or half-filled
    /// shape.
    fn add_to(self, outline: &mut Outline, x: f64, width: f64, height: f64) {
        let right = x + width;
        match self {
            State::Pages(PageKind::Zero | PageKind::Removed) => {
                let rim = height / 4.0;
                outline.rectangle(x, 0.0, width, height);
                let (left, right, low) = (x + rim, right - rim, height - rim);
                // Opposite winding: the nonzero fill rule leaves a hole.
                outline.polygon(&[(left, rim), (left, low), (right, low), (right, rim)]);
            }
            State::Pages(PageKind::Swapped) => {
                outline.polygon(&[(x, 0.0), (right, height), (x, height)]);
            }
            State::Pages(PageKind::Guard) => {
                outline.polygon(&[(x, 0.0), (right, 0.0), (right, height)]);
            }
            _ => outline.rectangle(x, 0.0, width, height),
        }
    }
}

/// Draws the line below locked blocks. `height` is the height of a row including the gap.
pub fn underline(width: f64, height: f64) -> Element {
    let mut outline = Outline::default();
    let thick = height / 8.0;
    outline.rectangle(0.0, height - thick, width, thick);
    Element::path(Color::Text, outline)
}

/// Consecutive equal blocks in one row.
#[derive(Debug)]
pub struct Run {
    pub position: (f64, f64),
    pub count: u64,
    /// The pages in each block.
    pub totals: Totals,
    /// The mapped bytes of each block.
    pub mapped: u64,
    /// The addresses of all blocks.
    pub addresses: Range<u64>,
    /// The index of the mapping in the band.
    pub mapping: usize,
}

impl Run {
    pub fn draw(&self, grid: Grid) -> Element {
        let stripes = stripes(&self.totals, self.mapped, grid.block);
        let mut elements = if stripes == [stripes[0]; 4] {
            vec![self.whole(stripes[0], grid)]
        } else {
            let drawn = PageKind::ALL
                .map(State::Pages)
                .into_iter()
                .chain([State::Absent]);
            drawn
                .map(|state| (state, self.striped(state, &stripes, grid)))
                .filter(|(_, outline)| !outline.is_empty())
                .map(|(state, outline)| Element::path(state.color(), outline))
                .collect()
        };
        if self.totals.locked > 0 {
            let gap = grid.cell() - grid.side();
            elements.push(underline(
                self.count as f64 * grid.cell() - gap,
                grid.cell(),
            ));
        }
        let mut attributes: Attributes = vec![
            ("data-at", format!("{:x}", self.addresses.start)),
            ("data-to", format!("{:x}", self.addresses.end)),
            ("data-blocks", self.count.to_string()),
            ("data-mapping", self.mapping.to_string()),
        ];
        if self.totals.locked > 0 {
            attributes.push(("data-locked", self.totals.locked.to_string()));
        }
        let each: Vec<String> = self
            .totals
            .kinds()
            .map(|(kind, bytes)| format!("{} {bytes}", Color::Page(kind).class()))
            .collect();
        if !each.is_empty() {
            attributes.push(("data-each", each.join(" ")));
        }
        Element::Group {
            class: "run",
            position: self.position,
            attributes,
            elements,
        }
    }

    /// Draws blocks with a single state.
    fn whole(&self, state: State, grid: Grid) -> Element {
        let (cell, side) = (grid.cell(), grid.side());
        let mut outline = Outline::default();
        if let State::Pages(PageKind::PrivateHuge | PageKind::Hugetlb) = state {
            // Blocks of one huge page are drawn without gaps.
            let width = self.count as f64 * cell - (cell - side);
            state.add_to(&mut outline, 0.0, width, side);
        } else {
            for number in 0..self.count {
                state.add_to(&mut outline, number as f64 * cell, side, side);
            }
        }
        Element::path(state.color(), outline)
    }

    /// Returns the outline of all stripes with a state.
    fn striped(&self, state: State, stripes: &[State; 4], grid: Grid) -> Outline {
        let side = grid.side();
        let height = side / 4.0;
        // A stripe for few pages is shorter than the block. The rest of it shows another state.
        let is_full = self.totals.all() >= self.mapped;
        let filler = if is_full { stripes[0] } else { State::Absent };
        let mut outline = Outline::default();
        for number in 0..self.count {
            let x = number as f64 * grid.cell();
            for (above, &stripe) in stripes.iter().rev().enumerate() {
                let length = side * self.length(stripe);
                let (from, to) = if stripe == state && stripe == filler {
                    (0.0, side)
                } else if stripe == state {
                    (0.0, length)
                } else if state == filler {
                    (length, side)
                } else {
                    continue;
                };
                if from < to {
                    outline.rectangle(x + from, above as f64 * height, to - from, height);
                }
            }
        }
        outline
    }

    /// Returns the length of a stripe relative to the block. Even a single page must be visible,
    /// and 1/8 of a block must differ from 1/64.
    fn length(&self, state: State) -> f64 {
        let State::Pages(kind) = state else {
            return 1.0;
        };
        match self.totals.bytes(kind) {
            bytes if bytes >= self.mapped / 8 => 1.0,
            bytes if bytes >= self.mapped / 64 => 0.5,
            _ => 0.25,
        }
    }
}

/// Returns the stripes of a block from the bottom: kinds of pages by descending size, then absent
/// pages, then unmapped memory.
///
/// Each state that occurs has a stripe, as long as there are enough stripes. The remaining stripes
/// are assigned one by one to the state that is furthest below its share.
fn stripes(totals: &Totals, mapped: u64, block: u64) -> [State; 4] {
    let mut parts: Vec<(State, u64)> = totals
        .kinds()
        .map(|(kind, bytes)| (State::Pages(kind), bytes))
        .collect();
    parts.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    let quarters = (u128::from(mapped) * 4).div_ceil(u128::from(block)).min(4) as usize;
    parts.truncate(quarters);
    let absent = mapped.saturating_sub(totals.all());
    if absent > 0 && parts.len() < quarters {
        parts.push((State::Absent, absent));
    }
    let mut counts = vec![1; parts.len()];
    for _ in parts.len()..quarters {
        let deficit = |&index: &usize| {
            let share = parts[index].1 as f64 / mapped as f64;
            share * quarters as f64 - f64::from(counts[index])
        };
        let most = (0..parts.len()).max_by(|a, b| deficit(a).total_cmp(&deficit(b)));
        if let Some(most) = most {
            counts[most] += 1;
        }
    }
    let mut stripes = [State::NotMapped; 4];
    let states = parts
        .iter()
        .zip(&counts)
        .flat_map(|(&(state, _), &count)| std::iter::repeat_n(state, count as usize));
    for (stripe, state) in stripes.iter_mut().zip(states) {
        *stripe = state;
    }
    stripes
}

#[cfg(test)]
mod tests {
    use super::*;

    use PageKind::{File, Private, Swapped, Zero};
    use State::{Absent, NotMapped, Pages};

    #[test]
    fn stripes_follow_proportions() {
        for (parts, mapped, expected) in [
            (&[][..], 16, [Absent; 4]),
            (&[(Private, 16)], 16, [Pages(Private); 4]),
            (
                &[(Private, 1)],
                16,
                [Pages(Private), Absent, Absent, Absent],
            ),
            (
                &[(Private, 8)],
                16,
                [Pages(Private), Pages(Private), Absent, Absent],
            ),
            // An absent page is visible.
            (
                &[(Private, 15)],
                16,
                [Pages(Private), Pages(Private), Pages(Private), Absent],
            ),
            (
                &[(Private, 4), (File, 12)],
                16,
                [Pages(File), Pages(File), Pages(File), Pages(Private)],
            ),
            // A block that is mapped in part.
            (
                &[(Private, 1)],
                1,
                [Pages(Private), NotMapped, NotMapped, NotMapped],
            ),
            (
                &[(Private, 8)],
                8,
                [Pages(Private), Pages(Private), NotMapped, NotMapped],
            ),
            (
                &[(Private, 4)],
                8,
                [Pages(Private), Absent, NotMapped, NotMapped],
            ),
            (
                &[(Private, 7), (File, 5), (Zero, 3), (Swapped, 1)],
                16,
                [Pages(Private), Pages(File), Pages(Zero), Pages(Swapped)],
            ),
        ] {
            let mut totals = Totals::default();
            for &(kind, bytes) in parts {
                totals.add(kind, bytes, false);
            }
            assert_eq!(
                stripes(&totals, mapped, 16),
                expected,
                "{parts:?} of {mapped}"
            );
        }
    }
}
