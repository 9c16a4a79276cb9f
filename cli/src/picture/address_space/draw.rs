//! The parts of the picture.

use super::bands::{Band, Empty, bands};
use super::block::{Run, State, underline};
use super::blocks::{Part, Rows};
use super::layout::{BASE, CUT, CUT_WITH_TEXT, LABEL_WIDTH, LINE, Laid, Layout, MAP, MAP_WIDTH};
use super::{AddressSpace, Totals};
use crate::output::{human_size, round_size};
use crate::picture::palette::Ink;
use crate::picture::scene::{Align, Element, MARGIN, Outline, RIGHT, Scene};
use crate::picture::text::{Cut, SMALL, fit, width};

/// How high a picture may become: as a page is to its width.
const HEIGHT: f64 = 680.0;
/// What the notes at the end may take.
const NOTES: f64 = 5.0 * LINE + MARGIN;
/// Where the addresses of a line end, and its other figures.
const FIGURES_RIGHT: f64 = RIGHT - 78.0;
/// How much of a name a program is told, in points.
const LONGEST_NAME: f64 = 700.0;

impl AddressSpace {
    /// The map.
    pub fn scene(&self) -> Scene {
        let (bands, empty) = bands(self);
        let mut elements = Vec::new();
        let top = self.head(&mut elements, &bands);
        let layout = Layout::new(self, &bands, top + 15.0, HEIGHT - top - 15.0 - NOTES);
        scale(&mut elements, &layout, top);
        for laid in &layout.bands {
            if let Some(hole) = laid.hole {
                cut(&mut elements, laid.top - CUT_WITH_TEXT, hole, true);
            }
            let drawing = Drawing {
                space: self,
                laid,
                layout: &layout,
            };
            elements.push(drawing.band());
        }
        let height = self.notes(&mut elements, &layout, &empty);
        Scene {
            height,
            title: format!("Working set of {}", self.title),
            caption: "Point at a block to see its state, addresses and mapping. Tab goes from mapping to \
                      mapping, the arrow keys from block to block.",
            elements,
        }
    }

    /// Title, moment and legend. Returns where the map may start.
    fn head(&self, elements: &mut Vec<Element>, bands: &[Band]) -> f64 {
        let mut totals = Totals::default();
        for band in bands {
            totals.add_all(&band.totals);
        }
        elements.push(Element::Text {
            ink: Ink::Text,
            place: (MARGIN, MARGIN + 12.0),
            size: 15.0,
            bold: true,
            align: Align::Start,
            text: fit(&self.title, RIGHT - MARGIN, 15.0, true, Cut::Middle),
        });
        let mapped: u64 = self.regions.iter().map(|region| region.size()).sum();
        let line = format!(
            "{}: {} in memory of {} mapped",
            self.taken,
            human_size(totals.resident()),
            human_size(mapped)
        );
        elements.push(Element::text(Ink::Faint, (MARGIN, MARGIN + 26.0), line));

        let drawn: u64 = bands.iter().map(|band| band.size(self)).sum();
        let kinds = totals.kinds();
        let item = |state: State, bytes, words| {
            let sample = state.sample(8.0);
            (state.ink().class(), sample, bytes, words)
        };
        let mut items: Vec<(&str, Element, u64, &str)> = kinds
            .map(|(kind, bytes)| item(State::Of(kind), bytes, kind.words()))
            .collect();
        items.push(item(State::Absent, drawn - totals.known(), "not in memory"));
        if totals.locked > 0 {
            let sample = underline(8.0, 8.0);
            items.push(("locked", sample, totals.locked, "of these, locked"));
        }
        let top = MARGIN + 35.0;
        let lines = items.len().div_ceil(2);
        for (index, (class, sample, bytes, words)) in items.into_iter().enumerate() {
            let x = if index < lines {
                MARGIN
            } else {
                MAP + MAP_WIDTH / 4.0
            };
            let y = top + (index % lines) as f64 * 12.5;
            elements.push(Element::Group {
                class: "legend",
                place: (x, y),
                data: vec![
                    ("data-kind", class.to_owned()),
                    ("data-total", bytes.to_string()),
                    ("data-words", words.to_owned()),
                ],
                elements: vec![
                    sample,
                    Element::small(Ink::Text, (42.0, 7.5), Align::End, human_size(bytes)),
                    Element::text(Ink::Text, (48.0, 7.5), words),
                ],
            });
        }
        top + lines as f64 * 12.5 + 5.0
    }

    /// What the picture can't show, in words. Returns how high the picture is.
    fn notes(&self, elements: &mut Vec<Element>, layout: &Layout, empty: &Empty) -> f64 {
        let mut y = layout.end + 2.5;
        let mut note = |text: &str| {
            elements.push(Element::text(Ink::Faint, (MARGIN, y + BASE), text));
            y += LINE;
        };
        if layout.bands.is_empty() {
            note("Nothing is in memory.");
        }
        for sentence in &self.untold {
            note(sentence);
        }
        if empty.mappings > 0 {
            let (plural, are) = if empty.mappings == 1 {
                ("", "is")
            } else {
                ("s", "are")
            };
            note(&format!(
                "{} mapping{plural} without pages, {} in all, {are} not drawn.",
                empty.mappings,
                human_size(empty.size)
            ));
        }
        if layout.grid.block > self.page_size {
            note(
                "A block in several states is striped, a quarter of its height for a quarter of its size.",
            );
            note(
                "Each state has a stripe: half as long below 1/8 of what is mapped, a quarter below 1/64.",
            );
            note("A block less high than others is mapped in part.");
        }
        let has_cut = layout.bands.iter().any(|laid| {
            let mut parts = laid.rows.parts.iter();
            laid.hole.is_some() || parts.any(|part| matches!(part, Part::Cut(_)))
        });
        if has_cut {
            note("At a zigzag, addresses without pages are left out. It is not to scale.");
        }
        y + MARGIN
    }
}

/// The sizes of blocks and rows.
fn scale(elements: &mut Vec<Element>, layout: &Layout, top: f64) {
    let grid = layout.grid;
    let row = grid.row();
    let block = format!(
        "one block {}, a row {}",
        round_size(grid.block),
        round_size(row)
    );
    elements.push(Element::text(Ink::Faint, (MARGIN, top + BASE), block));
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
        elements.push(Element::small(Ink::Faint, (x, top + BASE), align, text));
    }
    elements.push(Element::path(Ink::Faint, ticks));
}

/// A band being drawn.
struct Drawing<'a> {
    space: &'a AddressSpace,
    laid: &'a Laid,
    layout: &'a Layout,
}

impl Drawing<'_> {
    fn band(&self) -> Element {
        let Laid { band, height, .. } = self.laid;
        let (start, end) = (band.start(self.space), band.end(self.space));
        let figures = format!(
            "{} of {}",
            human_size(band.totals.resident()),
            human_size(band.size(self.space))
        );
        let name = self.name();
        let label = format!("{name}: {figures} in memory, {start:x} to {end:x}");
        let mut elements = self.label(&name, figures);
        self.blocks(&mut elements);
        Element::Group {
            class: "band",
            place: (0.0, self.laid.top),
            data: vec![
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
        let Laid { band, height, .. } = self.laid;
        let (start, end) = (band.start(self.space), band.end(self.space));
        let (ink, cut) = match band.gathered {
            Some(_) => (Ink::Faint, Cut::End),
            None => (Ink::Text, Cut::Middle),
        };
        let line = |ink: Ink, number: f64, text: &str, cut: Cut| {
            let text = fit(text, LABEL_WIDTH, SMALL, false, cut);
            Element::text(ink, (MARGIN, number * LINE + BASE), text)
        };
        let name = line(ink, 0.0, name, cut);
        if self.laid.is_line {
            let right = |x, text| Element::small(Ink::Faint, (x, BASE), Align::End, text);
            vec![
                name,
                right(FIGURES_RIGHT, figures),
                right(RIGHT, format!("{start:x}")),
            ]
        } else if *height >= 3.0 * LINE {
            let range = format!("{start:x}–{end:x}");
            vec![
                name,
                line(Ink::Faint, 1.0, &figures, Cut::End),
                line(Ink::Faint, 2.0, &range, Cut::End),
            ]
        } else {
            let both = format!("{figures}, {start:x}");
            vec![name, line(Ink::Faint, 1.0, &both, Cut::End)]
        }
    }

    /// What a band is called: the last part of a file's path; of several things, how many.
    fn name(&self) -> String {
        let band = &self.laid.band;
        let mut names = band
            .regions
            .iter()
            .map(|&index| self.space.regions[index].short_name());
        let first = names.next().unwrap_or_default();
        let Some(count) = band.gathered else {
            return first.to_owned();
        };
        let mut text = format!("{count} more: {first}");
        let mut last = first;
        for name in names {
            if name != last {
                text.push_str(", ");
                text.push_str(name);
                last = name;
            }
            if text.len() > 100 {
                break;
            }
        }
        text
    }

    /// The mappings of a band for a program: start, end, permissions and name.
    fn mappings(&self) -> String {
        let all: Vec<_> = self
            .laid
            .band
            .regions
            .iter()
            .map(|&index| {
                let region = &self.space.regions[index];
                let name = fit(&region.name, LONGEST_NAME, SMALL, false, Cut::Middle);
                let (start, end) = (format!("{:x}", region.start), format!("{:x}", region.end));
                (start, end, &region.permissions, name)
            })
            .collect();
        serde_json::to_string(&all).expect("text is JSON")
    }

    /// The blocks of a band, cuts, and the marks where another mapping starts.
    fn blocks(&self, elements: &mut Vec<Element>) {
        let grid = self.layout.grid;
        let mut marks = Outline::default();
        // Beside the middle of a line of text.
        let mut y = if self.laid.is_line {
            5.0 - grid.cell() / 2.0
        } else {
            0.0
        };
        for part in &self.laid.rows.parts {
            match part {
                Part::Cut(rows) => {
                    cut(
                        elements,
                        y,
                        (rows.end - rows.start).saturating_mul(grid.row()),
                        false,
                    );
                    y += CUT;
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
            elements.push(Element::path(Ink::Text, marks));
        }
    }

    fn row(&self, elements: &mut Vec<Element>, marks: &mut Outline, row: u64, y: f64) {
        let Laid { band, rows, .. } = self.laid;
        let grid = self.layout.grid;
        let (first, end) = (row * grid.columns, (row + 1) * grid.columns);
        let mut place = first;
        let mut mapping = rows.places.partition_point(|places| places.end <= first);
        while place < end && mapping < rows.places.len() {
            let x = MAP + (place - first) as f64 * grid.cell();
            let places = &rows.places[mapping];
            if place == places.start && self.is_marked(mapping) {
                let gap = grid.cell() - grid.side();
                marks.rectangle(x - gap / 2.0 - 0.35, y, 0.7, grid.side());
            }
            let region = &self.space.regions[band.regions[mapping]];
            let alike = rows.alike(place, end, region, mapping, grid);
            let count = alike.count;
            let run = Run {
                place: (x, y),
                ..alike
            };
            elements.push(run.draw(grid));
            place += count;
            if place == places.end {
                mapping += 1;
            }
        }
    }

    /// Whether a mark tells a mapping from the one before it: among gathered ones, only of another
    /// file.
    fn is_marked(&self, mapping: usize) -> bool {
        let Band {
            regions, gathered, ..
        } = &self.laid.band;
        let name = |mapping: usize| &self.space.regions[regions[mapping]].name;
        mapping > 0 && (gathered.is_none() || name(mapping) != name(mapping - 1))
    }
}

/// The mark of addresses that are left out.
fn cut(elements: &mut Vec<Element>, y: f64, bytes: u64, with_text: bool) {
    let (height, right) = if with_text {
        let text = format!("{} without pages", human_size(bytes));
        let right = RIGHT - width(&text, SMALL, false) - 6.0;
        elements.push(Element::small(
            Ink::Faint,
            (RIGHT, y + BASE),
            Align::End,
            text,
        ));
        (10.0, right)
    } else {
        (CUT, RIGHT)
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
        place: (0.0, 0.0),
        data: vec![("data-bytes", bytes.to_string()), ("data-y", y.to_string())],
        elements: vec![Element::path(Ink::Faint, outline)],
    });
}

impl Rows {
    /// The blocks from a place on that look the same, as far as one mapping and the row go.
    fn alike(
        &self,
        place: u64,
        row_end: u64,
        region: &super::Region,
        mapping: usize,
        grid: super::blocks::Grid,
    ) -> Run {
        let places = &self.places[mapping];
        let addresses = |place: u64| {
            let number = region.start / grid.block + place - places.start;
            let start = (number * grid.block).max(region.start);
            let end = (number + 1).saturating_mul(grid.block).min(region.end);
            start..end
        };
        let size = |place: u64| {
            let addresses = addresses(place);
            addresses.end - addresses.start
        };
        let mapped = size(place);
        let mut end = row_end.min(places.end);
        // Only at the ends of a mapping is a block mapped in part.
        if mapped < grid.block {
            end = place + 1;
        } else if size(end - 1) < grid.block {
            end -= 1;
        }
        let next = self
            .blocks
            .partition_point(|blocks| blocks.place + blocks.count <= place);
        let mut totals = Totals::default();
        let mut following = self.blocks[next..].iter().peekable();
        if let Some(blocks) = following.next_if(|blocks| blocks.place <= place) {
            totals = blocks.totals;
            let mut alike = blocks.place + blocks.count;
            while alike < end
                && let Some(more) =
                    following.next_if(|more| more.place == alike && more.totals == totals)
            {
                alike += more.count;
            }
            end = end.min(alike);
        } else if let Some(blocks) = following.peek() {
            end = end.min(blocks.place);
        }
        Run {
            place: (0.0, 0.0),
            count: end - place,
            totals,
            mapped,
            addresses: addresses(place).start..addresses(end - 1).end,
            mapping,
        }
    }
}
