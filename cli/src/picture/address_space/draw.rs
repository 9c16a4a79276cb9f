//! Draws title, legend, bands and notes of an address space.

use super::bands::{Band, Empty, bands};
use super::figures::figures;
use super::layout::{GAP_HEIGHT, Layout, PlacedBand};
use super::model::{AddressSpace, Subject};
use super::rows::{CUT_HEIGHT, Part};
use super::run::{Run, State, underline};
use crate::output::{human_size, round_size};
use crate::picture::metrics::{
    BASELINE, LABEL_WIDTH, LINE, MAP, MAP_WIDTH, MARGIN, MAX_NAME_WIDTH, RIGHT,
};
use crate::picture::palette::Color;
use crate::picture::scene::{Align, Element, Outline, Scene};
use crate::picture::text::{Cut, SMALL, fit, width};

/// The maximum height of a picture: the height of a page.
const MAX_HEIGHT: f64 = 680.0;
/// The height that is reserved for the notes at the end.
const NOTES_HEIGHT: f64 = 5.0 * LINE + MARGIN;
/// The right end of the sizes of a one-line band. The address follows.
const FIGURES_RIGHT: f64 = RIGHT - 78.0;

/// Draws the map of an address space.
pub fn scene(space: &AddressSpace) -> Scene {
    let (bands, empty) = bands(space);
    let mut elements = Vec::new();
    let top = head(space, &mut elements, &bands);
    let max_height = MAX_HEIGHT - top - 15.0 - NOTES_HEIGHT;
    let layout = Layout::new(space, &bands, top + 15.0, max_height);
    scale(&mut elements, &layout, top);
    for placed in &layout.bands {
        if let Some(gap) = placed.gap {
            zigzag(&mut elements, placed.top - GAP_HEIGHT, gap, true);
        }
        let drawing = BandDrawing {
            space,
            placed,
            layout: &layout,
        };
        elements.push(drawing.band());
    }
    let height = notes(space, &mut elements, &layout, &empty);
    Scene {
        height,
        title: match space.subject {
            Subject::WorkingSet => format!("Working set of {}", space.title),
            Subject::Difference => format!("Changes of the working set of {}", space.title),
        },
        caption: "Point at a block to see its state, addresses and mapping. Press Tab to move between \
                  mappings, and the arrow keys to move between blocks.",
        elements,
    }
}

/// Draws title, summary and legend. Returns the position below them.
fn head(space: &AddressSpace, elements: &mut Vec<Element>, bands: &[Band]) -> f64 {
    let totals = space.totals();
    elements.push(Element::Text {
        color: Color::Text,
        position: (MARGIN, MARGIN + 12.0),
        size: 15.0,
        bold: true,
        align: Align::Start,
        room: RIGHT - MARGIN,
        text: fit(&space.title, RIGHT - MARGIN, 15.0, true, Cut::Middle),
    });
    let mut y = MARGIN + 26.0;
    for line in &space.summary {
        elements.push(Element::text(Color::Faint, (MARGIN, y), line));
        y += LINE;
    }
    let drawn: u64 = bands.iter().map(|band| band.size(space)).sum();
    let kinds = totals.kinds();
    let item = |state: State, bytes, label| {
        let sample = state.sample(8.0);
        (state.color().class(), sample, bytes, label)
    };
    let mut items: Vec<(&str, Element, u64, &str)> = kinds
        .map(|(kind, bytes)| item(State::Pages(kind), bytes, kind.label()))
        .collect();
    items.push(item(State::Absent, drawn - totals.all(), "not in memory"));
    if totals.locked > 0 {
        let sample = underline(8.0, 8.0);
        items.push(("locked", sample, totals.locked, "of these, locked"));
    }
    let top = y - 2.25;
    let lines = items.len().div_ceil(2);
    for (index, (class, sample, bytes, label)) in items.into_iter().enumerate() {
        let second = MAP + MAP_WIDTH / 4.0;
        let (x, end) = if index < lines {
            (MARGIN, second)
        } else {
            (second, RIGHT)
        };
        let y = top + (index % lines) as f64 * 12.5;
        elements.push(Element::Group {
            class: "legend",
            position: (x, y),
            attributes: vec![
                ("data-kind", class.to_owned()),
                ("data-total", bytes.to_string()),
                ("data-label", label.to_owned()),
            ],
            elements: vec![
                sample,
                Element::small(Color::Text, (42.0, 7.5), Align::End, human_size(bytes)),
                Element::text_within(end - x - 56.0, Color::Text, (48.0, 7.5), label),
            ],
        });
    }
    top + lines as f64 * 12.5 + 5.0
}

/// Draws notes about the scale and about omitted facts. Returns the height of the picture.
fn notes(space: &AddressSpace, elements: &mut Vec<Element>, layout: &Layout, empty: &Empty) -> f64 {
    let mut y = layout.end + 2.5;
    let mut note = |text: &str| {
        elements.push(Element::text(Color::Faint, (MARGIN, y + BASELINE), text));
        y += LINE;
    };
    if layout.bands.is_empty() {
        note("No page is in memory.");
    }
    for sentence in &space.notes {
        note(sentence);
    }
    if empty.mappings > 0 {
        let (plural, are) = if empty.mappings == 1 {
            ("", "is")
        } else {
            ("s", "are")
        };
        note(&format!(
            "{} mapping{plural} without pages ({} in total) {are} not drawn.",
            empty.mappings,
            human_size(empty.size)
        ));
    }
    if layout.grid.block > space.page_size {
        note(
            "A block with several states is striped: each quarter of its height is a quarter of its size.",
        );
        note(
            "A state in less than 1/8 of what is mapped gets half a stripe, in less than 1/64 a quarter of one.",
        );
        note("A block of less height is only partly mapped.");
    }
    let has_cut = layout.bands.iter().any(|placed| {
        let mut parts = placed.rows.parts.iter();
        placed.gap.is_some() || parts.any(|part| matches!(part, Part::Cut(_)))
    });
    if has_cut {
        note("A zigzag stands for addresses without pages, not to scale.");
    }
    y + MARGIN
}

/// Draws the sizes of blocks and rows.
fn scale(elements: &mut Vec<Element>, layout: &Layout, top: f64) {
    let grid = layout.grid;
    let row = grid.row();
    let block = format!("block {}, row {}", round_size(grid.block), round_size(row));
    elements.push(Element::text(Color::Faint, (MARGIN, top + BASELINE), block));
    let mut ticks = Outline::default();
    for quarter in 0..=4 {
        let x = MAP + MAP_WIDTH * quarter as f64 / 4.0;
        let align = match quarter {
            0 => Align::Start,
            4 => Align::End,
            _ => Align::Middle,
        };
        ticks.rectangle((x - 0.3).clamp(MAP, RIGHT - 0.6), top + 10.0, 0.6, 2.5);
        let text = match quarter {
            0 => "0".to_owned(),
            _ => format!("+{}", round_size(row / 4 * quarter)),
        };
        elements.push(Element::small(
            Color::Faint,
            (x, top + BASELINE),
            align,
            text,
        ));
    }
    elements.push(Element::path(Color::Faint, ticks));
}

/// A band that is being drawn.
struct BandDrawing<'a> {
    space: &'a AddressSpace,
    placed: &'a PlacedBand,
    layout: &'a Layout,
}

impl BandDrawing<'_> {
    fn band(&self) -> Element {
        let PlacedBand { band, height, .. } = self.placed;
        let (start, end) = (band.start(self.space), band.end(self.space));
        let figures = figures(self.space.subject, &band.totals, band.size(self.space));
        let name = self.name();
        let label = format!("{name}: {figures}, {start:x} to {end:x}");
        let mut elements = self.label(&name, figures);
        self.blocks(&mut elements);
        Element::Group {
            class: "band",
            position: (0.0, self.placed.top),
            attributes: vec![
                ("tabindex", "0".to_owned()),
                ("role", "img".to_owned()),
                ("aria-label", label),
                ("data-start", format!("{start:x}")),
                ("data-end", format!("{end:x}")),
                ("data-height", height.to_string()),
                ("data-block", self.layout.grid.block.to_string()),
                ("data-cell", self.layout.grid.cell().to_string()),
                ("data-mappings", self.mappings()),
            ],
            elements,
        }
    }

    fn label(&self, name: &str, figures: String) -> Vec<Element> {
        let PlacedBand { band, height, .. } = self.placed;
        let (start, end) = (band.start(self.space), band.end(self.space));
        let (color, cut) = match band.merged {
            Some(_) => (Color::Faint, Cut::End),
            None => (Color::Text, Cut::Middle),
        };
        let line = |color: Color, number: f64, text: &str, cut: Cut| {
            let text = fit(text, LABEL_WIDTH, SMALL, false, cut);
            Element::text_within(LABEL_WIDTH, color, (MARGIN, number * LINE + BASELINE), text)
        };
        let name = line(color, 0.0, name, cut);
        if self.placed.is_line {
            let right = |x, text| Element::small(Color::Faint, (x, BASELINE), Align::End, text);
            vec![
                name,
                right(FIGURES_RIGHT, figures),
                right(RIGHT, format!("{start:x}")),
            ]
        } else if *height >= 3.0 * LINE {
            let range = format!("{start:x}–{end:x}");
            vec![
                name,
                line(Color::Faint, 1.0, &figures, Cut::End),
                line(Color::Faint, 2.0, &range, Cut::End),
            ]
        } else {
            let mut text = format!("{figures}, {start:x}");
            // A part of the address would be misread.
            if width(&text, SMALL, false) > LABEL_WIDTH {
                text = figures;
            }
            vec![name, line(Color::Faint, 1.0, &text, Cut::End)]
        }
    }

    /// Returns the file name or other name of a band. For merged bands: their number and first
    /// names.
    fn name(&self) -> String {
        let band = &self.placed.band;
        let mut regions = band
            .regions
            .iter()
            .map(|&index| self.space.regions[index].short_name());
        let first = regions.next().unwrap_or_default();
        let Some(count) = band.merged else {
            return first.to_owned();
        };
        let mut names = vec![first];
        let mut length = first.len();
        for name in regions {
            if length > 100 {
                break;
            }
            if !names.contains(&name) {
                names.push(name);
                length += name.len();
            }
        }
        format!("{count} more: {}", names.join(", "))
    }

    /// Returns start, end, permissions and name of the mappings as JSON, for the script of a page.
    fn mappings(&self) -> String {
        let all: Vec<_> = self
            .placed
            .band
            .regions
            .iter()
            .map(|&index| {
                let region = &self.space.regions[index];
                let name = fit(&region.name, MAX_NAME_WIDTH, SMALL, false, Cut::Middle);
                let (start, end) = (format!("{:x}", region.start), format!("{:x}", region.end));
                (start, end, &region.permissions, name)
            })
            .collect();
        serde_json::to_string(&all).expect("strings are valid JSON")
    }

    /// Draws the blocks of a band, its cuts, and marks where mappings start.
    fn blocks(&self, elements: &mut Vec<Element>) {
        let grid = self.layout.grid;
        let mut marks = Outline::default();
        // A single row is centered on the line of text.
        let mut y = if self.placed.is_line {
            5.0 - grid.cell() / 2.0
        } else {
            0.0
        };
        for part in &self.placed.rows.parts {
            match part {
                Part::Cut(rows) => {
                    let bytes = (rows.end - rows.start).saturating_mul(grid.row());
                    zigzag(elements, y, bytes, false);
                    y += CUT_HEIGHT;
                }
                Part::Rows(rows) => {
                    for row in rows.clone() {
                        self.row(elements, &mut marks, row, y);
                        y += grid.cell();
                    }
                }
            }
        }
        if !marks.is_empty() {
            elements.push(Element::path(Color::Text, marks));
        }
    }

    /// Draws a row of blocks.
    fn row(&self, elements: &mut Vec<Element>, marks: &mut Outline, row: u64, y: f64) {
        let PlacedBand { band, rows, .. } = self.placed;
        let grid = self.layout.grid;
        let (first, end) = (row * grid.columns, (row + 1) * grid.columns);
        let mut next = first;
        let mut mapping = rows
            .positions
            .partition_point(|positions| positions.end <= first);
        while next < end && mapping < rows.positions.len() {
            let x = MAP + (next - first) as f64 * grid.cell();
            let positions = &rows.positions[mapping];
            if next == positions.start && self.is_marked(mapping) {
                let gap = grid.cell() - grid.side();
                marks.rectangle(x - gap / 2.0 - 0.35, y, 0.7, grid.side());
            }
            let region = &self.space.regions[band.regions[mapping]];
            let run = Run {
                position: (x, y),
                ..rows.equal_blocks(next, end, region, mapping, grid)
            };
            elements.push(run.draw(grid));
            next += run.count;
            if next == positions.end {
                mapping += 1;
            }
        }
    }

    /// Returns true if a mark separates a mapping from the previous one. In merged bands, only
    /// different files are separated.
    fn is_marked(&self, mapping: usize) -> bool {
        let Band {
            regions, merged, ..
        } = &self.placed.band;
        let name = |mapping: usize| &self.space.regions[regions[mapping]].name;
        mapping > 0 && (merged.is_none() || name(mapping) != name(mapping - 1))
    }
}

/// Draws the mark for omitted addresses.
fn zigzag(elements: &mut Vec<Element>, y: f64, bytes: u64, with_text: bool) {
    let (height, right) = if with_text {
        let text = format!("{} without pages", human_size(bytes));
        let room = width(&text, SMALL, false);
        elements.push(Element::Text {
            color: Color::Faint,
            position: (RIGHT, y + BASELINE),
            size: SMALL,
            bold: false,
            align: Align::End,
            room,
            text,
        });
        let right = RIGHT - room - 6.0;
        (10.0, right)
    } else {
        (CUT_HEIGHT, RIGHT)
    };
    const TOOTH: f64 = 2.5;
    let middle = y + height / 2.0 - 0.6;
    let teeth = ((right - MAP) / TOOTH) as usize;
    let corner = |index: usize, thickness: f64| {
        let up = if index.is_multiple_of(2) { -1.0 } else { 1.0 };
        (MAP + index as f64 * TOOTH, middle + up + thickness)
    };
    let upper = (0..=teeth).map(|index| corner(index, 0.0));
    let lower = (0..=teeth).rev().map(|index| corner(index, 0.8));
    let mut outline = Outline::default();
    outline.polygon(&upper.chain(lower).collect::<Vec<_>>());
    elements.push(Element::Group {
        class: "cut",
        position: (0.0, 0.0),
        attributes: vec![("data-bytes", bytes.to_string()), ("data-y", y.to_string())],
        elements: vec![Element::path(Color::Faint, outline)],
    });
}
