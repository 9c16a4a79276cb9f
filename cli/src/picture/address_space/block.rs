//! What a block looks like.

use std::ops::Range;

use super::blocks::Grid;
use super::{Kind, Totals};
use crate::picture::palette::Ink;
use crate::picture::scene::{Data, Element, Outline};

/// What a block, or a quarter of it, shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    NotMapped,
    /// Mapped, and not in memory.
    Absent,
    Of(Kind),
}

impl State {
    pub const fn ink(self) -> Ink {
        match self {
            State::NotMapped => Ink::Ground,
            State::Absent => Ink::Absent,
            State::Of(kind) => kind.ink(),
        }
    }

    /// A picture of it for the legend.
    pub fn sample(self, side: f64) -> Element {
        let mut outline = Outline::default();
        self.add_to(&mut outline, 0.0, side, side);
        Element::path(self.ink(), outline)
    }

    /// What takes no memory of its own differs in shape, too: it is hollow, or a half.
    fn add_to(self, outline: &mut Outline, x: f64, width: f64, height: f64) {
        let right = x + width;
        match self {
            State::Of(Kind::Zero) => {
                let rim = height / 4.0;
                outline.rectangle(x, 0.0, width, height);
                let (left, right, low) = (x + rim, right - rim, height - rim);
                // The other way round: a hole.
                outline.polygon(&[(left, rim), (left, low), (right, low), (right, rim)]);
            }
            State::Of(Kind::Swapped) => {
                outline.polygon(&[(x, 0.0), (right, height), (x, height)]);
            }
            State::Of(Kind::Guard) => {
                outline.polygon(&[(x, 0.0), (right, 0.0), (right, height)]);
            }
            _ => outline.rectangle(x, 0.0, width, height),
        }
    }
}

/// What is below locked pages, in a row that is so wide and high, the free space below it included.
pub fn underline(width: f64, height: f64) -> Element {
    let mut outline = Outline::default();
    let thick = height / 8.0;
    outline.rectangle(0.0, height - thick, width, thick);
    Element::path(Ink::Text, outline)
}

/// Blocks that are alike, side by side in a row.
#[derive(Debug)]
pub struct Run {
    pub place: (f64, f64),
    pub count: u64,
    /// What is in each.
    pub totals: Totals,
    /// How much of each is mapped.
    pub mapped: u64,
    /// The addresses of all of them.
    pub addresses: Range<u64>,
    /// Which of the band's mappings they are of.
    pub mapping: usize,
}

impl Run {
    pub fn draw(&self, grid: Grid) -> Element {
        let stripes = stripes(&self.totals, self.mapped, grid.block);
        let mut elements = if stripes == [stripes[0]; 4] {
            vec![self.whole(stripes[0], grid)]
        } else {
            let drawn = Kind::ALL.map(State::Of).into_iter().chain([State::Absent]);
            drawn
                .map(|state| (state, self.striped(state, &stripes, grid)))
                .filter(|(_, outline)| !outline.is_empty())
                .map(|(state, outline)| Element::path(state.ink(), outline))
                .collect()
        };
        if self.totals.locked > 0 {
            let gap = grid.cell() - grid.side();
            elements.push(underline(
                self.count as f64 * grid.cell() - gap,
                grid.cell(),
            ));
        }
        let mut data: Data = vec![
            ("data-at", format!("{:x}", self.addresses.start)),
            ("data-to", format!("{:x}", self.addresses.end)),
            ("data-blocks", self.count.to_string()),
            ("data-mapping", self.mapping.to_string()),
        ];
        if self.totals.locked > 0 {
            data.push(("data-locked", self.totals.locked.to_string()));
        }
        let each: Vec<String> = self
            .totals
            .kinds()
            .map(|(kind, bytes)| format!("{} {bytes}", kind.ink().class()))
            .collect();
        if !each.is_empty() {
            data.push(("data-each", each.join(" ")));
        }
        Element::Group {
            class: "run",
            place: self.place,
            data,
            elements,
        }
    }

    fn whole(&self, state: State, grid: Grid) -> Element {
        let (cell, side) = (grid.cell(), grid.side());
        let mut outline = Outline::default();
        if let State::Of(Kind::PrivateHuge | Kind::Hugetlb) = state {
            // Blocks of huge pages are one piece.
            let width = self.count as f64 * cell - (cell - side);
            state.add_to(&mut outline, 0.0, width, side);
        } else {
            for number in 0..self.count {
                state.add_to(&mut outline, number as f64 * cell, side, side);
            }
        }
        Element::path(state.ink(), outline)
    }

    /// The parts of the blocks that show a state.
    fn striped(&self, state: State, stripes: &[State; 4], grid: Grid) -> Outline {
        let side = grid.side();
        let height = side / 4.0;
        // What is beside the stripe of something that there is very little of.
        let is_full = self.totals.known() >= self.mapped;
        let beside = if is_full { stripes[0] } else { State::Absent };
        let mut outline = Outline::default();
        for number in 0..self.count {
            let x = number as f64 * grid.cell();
            for (above, &stripe) in stripes.iter().rev().enumerate() {
                let length = side * self.length(stripe);
                let (from, to) = match stripe == state {
                    true if stripe == beside => (0.0, side),
                    true => (0.0, length),
                    false if state == beside => (length, side),
                    false => continue,
                };
                if from < to {
                    outline.rectangle(x + from, above as f64 * height, to - from, height);
                }
            }
        }
        outline
    }

    /// How much of a quarter's length a state takes: a stripe must be seen, however little of it
    /// there is, and yet tell 1/8 of a block from 1/64.
    fn length(&self, state: State) -> f64 {
        let State::Of(kind) = state else {
            return 1.0;
        };
        match self.totals.of(kind) {
            bytes if bytes >= self.mapped / 8 => 1.0,
            bytes if bytes >= self.mapped / 64 => 0.5,
            _ => 0.25,
        }
    }
}

/// What the quarters of a block show, from below: what there is most of first, then what is not in
/// memory, then what is not mapped. Everything that there is has one, as long as there are enough.
fn stripes(totals: &Totals, mapped: u64, block: u64) -> [State; 4] {
    let mut parts: Vec<(State, u64)> = totals
        .kinds()
        .map(|(kind, bytes)| (State::Of(kind), bytes))
        .collect();
    parts.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    let quarters = (u128::from(mapped) * 4).div_ceil(u128::from(block)).min(4) as usize;
    parts.truncate(quarters);
    let absent = mapped.saturating_sub(totals.known());
    if absent > 0 && parts.len() < quarters {
        parts.push((State::Absent, absent));
    }
    let mut counts = vec![1; parts.len()];
    for _ in parts.len()..quarters {
        let lack = |&index: &usize| {
            let share = parts[index].1 as f64 / mapped as f64;
            share * quarters as f64 - f64::from(counts[index])
        };
        let most = (0..parts.len()).max_by(|a, b| lack(a).total_cmp(&lack(b)));
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

    use Kind::{File, Private, Swapped, Zero};
    use State::{Absent, NotMapped, Of};

    #[test]
    fn a_block_is_striped_by_its_mixture() {
        for (parts, mapped, expected) in [
            (&[][..], 16, [Absent; 4]),
            (&[(Private, 16)], 16, [Of(Private); 4]),
            (&[(Private, 1)], 16, [Of(Private), Absent, Absent, Absent]),
            (
                &[(Private, 8)],
                16,
                [Of(Private), Of(Private), Absent, Absent],
            ),
            // Nothing is shown as full that is not.
            (
                &[(Private, 15)],
                16,
                [Of(Private), Of(Private), Of(Private), Absent],
            ),
            (
                &[(Private, 4), (File, 12)],
                16,
                [Of(File), Of(File), Of(File), Of(Private)],
            ),
            // A mapping that has only a part of the block.
            (
                &[(Private, 1)],
                1,
                [Of(Private), NotMapped, NotMapped, NotMapped],
            ),
            (
                &[(Private, 8)],
                8,
                [Of(Private), Of(Private), NotMapped, NotMapped],
            ),
            (
                &[(Private, 4)],
                8,
                [Of(Private), Absent, NotMapped, NotMapped],
            ),
            (
                &[(Private, 7), (File, 5), (Zero, 3), (Swapped, 1)],
                16,
                [Of(Private), Of(File), Of(Zero), Of(Swapped)],
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
