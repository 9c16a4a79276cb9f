//! Where everything goes.

use super::bands::{Band, Empty, bands, gather};
use super::blocks::{Grid, Part, Rows};
use super::{AddressSpace, Kind, Totals};
use crate::output::human_size;
use crate::picture::palette::Ink;
use crate::picture::scene::{Align, Data, Element, Outline, Scene, WIDTH};
use crate::picture::text::{Cut, SMALL, fit, width};

/// How high a picture may become: an A4 page's share of its width.
const HEIGHT: f64 = 680.0;
/// Where the blocks start: labels are to the left.
const MAP: f64 = 160.0;
const MAP_WIDTH: f64 = WIDTH - MAP;
const LABEL_WIDTH: f64 = MAP - 10.0;
/// What places are multiples of, so that blocks are whole pixels.
const STEP: f64 = 2.5;
/// From one line of small text to the next, and from its top to its base line.
const LINE: f64 = 11.25;
const BASE: f64 = 8.5;
/// How high the mark of a cut is, without and with text.
const CUT: f64 = 5.0;
const CUT_WITH_TEXT: f64 = 12.5;
/// From which size on a hole between bands is shown, and how many at most.
const HOLE: u64 = 1 << 30;
const HOLES: usize = 6;
/// How many bands have a label of their own, as far as there is room.
const KEPT: [usize; 5] = [24, 16, 12, 8, 5];

/// A way to draw an address space.
struct Layout {
    grid: Grid,
    bands: Vec<Laid>,
    height: f64,
}

/// A band and where it is.
struct Laid {
    /// Its place among the bands.
    band: usize,
    rows: Rows,
    top: f64,
    height: f64,
    /// The hole before it, if one is shown.
    hole: Option<u64>,
}

impl Grid {
    /// How wide and high a block is drawn.
    fn cell(self) -> f64 {
        MAP_WIDTH / self.columns as f64
    }

    /// What is left free between blocks.
    fn gap(self) -> f64 {
        self.cell() / 8.0
    }
}

impl AddressSpace {
    /// The map.
    pub fn scene(&self) -> Scene {
        let (bands, empty) = bands(self);
        let mut totals = Totals::default();
        for band in &bands {
            totals.add_all(&band.totals);
        }
        let mapped: u64 = bands.iter().map(|band| band.size(self)).sum();
        let mut elements = Vec::new();
        let top = self.head(&mut elements, &totals, mapped);
        let below = 5.0 * LINE;
        let (bands, layout) = self.layout(&bands, top, HEIGHT - top - below);
        self.scale(&mut elements, layout.grid, top);
        for laid in &layout.bands {
            if let Some(hole) = laid.hole {
                cut(&mut elements, laid.top - CUT_WITH_TEXT, hole, true);
            }
            elements.push(self.band(&bands[laid.band], laid, layout.grid));
        }
        let height = self.notes(&mut elements, &layout, &empty);
        Scene {
            height,
            title: format!("Working set of {}", self.title),
            elements,
        }
    }

    /// Title, moment and legend. Returns where the map may start.
    fn head(&self, elements: &mut Vec<Element>, totals: &Totals, mapped: u64) -> f64 {
        elements.push(Element::Text {
            ink: Ink::Text,
            place: (0.0, 14.0),
            size: 15.0,
            bold: true,
            align: Align::Start,
            text: fit(&self.title, WIDTH, 15.0, true, Cut::Middle),
        });
        let mapped_in_all: u64 = self
            .regions
            .iter()
            .map(|region| region.end - region.start)
            .sum();
        let line = format!(
            "{}: {} in memory of {} mapped",
            self.taken,
            human_size(totals.resident()),
            human_size(mapped_in_all)
        );
        elements.push(Element::text(Ink::Faint, (0.0, 28.0), line));

        let absent = (Ink::Absent, mapped - totals.known(), "not in memory");
        let items: Vec<_> = totals
            .kinds()
            .map(|(kind, bytes)| (kind.ink(), bytes, kind.words()))
            .chain([absent])
            .collect();
        let top = 37.5;
        let lines = items.len().div_ceil(2);
        for (index, (ink, bytes, words)) in items.into_iter().enumerate() {
            let x = if index < lines { 0.0 } else { WIDTH / 2.0 };
            let y = top + (index % lines) as f64 * 12.5;
            let kind = Kind::ALL.into_iter().find(|kind| kind.ink() == ink);
            let mut swatch = Vec::new();
            push_block(&mut swatch, kind, 0.0, 0.0, 8.0, 8.0, true);
            elements.push(Element::Group {
                class: "legend",
                place: (x, y),
                data: vec![
                    ("data-kind", ink.class().to_owned()),
                    ("data-total", bytes.to_string()),
                ],
                elements: swatch,
            });
            elements.push(Element::Text {
                ink: Ink::Text,
                place: (x + 46.0, y + 7.5),
                size: SMALL,
                bold: false,
                align: Align::End,
                text: human_size(bytes),
            });
            elements.push(Element::text(Ink::Text, (x + 52.0, y + 7.5), words));
        }
        top + lines as f64 * 12.5 + 5.0
    }

    /// What lies how far into a row.
    fn scale(&self, elements: &mut Vec<Element>, grid: Grid, top: f64) {
        let row = grid.block * grid.columns;
        let block = format!(
            "one block {}, a row {}",
            human_size(grid.block),
            human_size(row)
        );
        elements.push(Element::text(Ink::Faint, (0.0, top + BASE), block));
        let mut ticks = Outline::default();
        for quarter in 0..=4u32 {
            let x = MAP + MAP_WIDTH * f64::from(quarter) / 4.0;
            ticks.rectangle((x - 0.3).min(WIDTH - 0.6), top + 10.0, 0.6, 2.5);
            let (x, align) = match quarter {
                0 => (x, Align::Start),
                4 => (x, Align::End),
                _ => (x, Align::Middle),
            };
            elements.push(Element::Text {
                ink: Ink::Faint,
                place: (x, top + BASE),
                size: SMALL,
                bold: false,
                align,
                text: match quarter {
                    0 => "0".to_owned(),
                    _ => format!("+{}", human_size(row / 4 * u64::from(quarter))),
                },
            });
        }
        elements.push(Element::path(Ink::Faint, ticks));
    }

    /// The finest blocks that have room, with as many labels as have.
    fn layout(&self, bands: &[Band], top: f64, room: f64) -> (Vec<Band>, Layout) {
        let page = self.page_size;
        let coarsest = Grid {
            block: 1 << 47,
            columns: 128,
        };
        let large = Grid {
            block: page,
            columns: 64,
        };
        let mut grids = vec![large];
        let mut block = page;
        while block < coarsest.block {
            grids.push(Grid {
                block,
                columns: 128,
            });
            block *= 2;
        }
        for kept in KEPT {
            let bands = gather(bands, kept, self);
            let least = self.lay(&bands, coarsest, top, f64::INFINITY);
            let least = least.map_or(0.0, |layout| layout.height);
            if least > room * 0.6 && kept != KEPT[KEPT.len() - 1] {
                continue;
            }
            // Tens of thousands of mappings take more than a page however coarse the blocks are.
            let room = room.max(least * 1.25);
            for &grid in &grids {
                if let Some(layout) = self.lay(&bands, grid, top, room) {
                    return (bands, layout);
                }
            }
        }
        let nothing = Layout {
            grid: coarsest,
            bands: Vec::new(),
            height: 0.0,
        };
        (Vec::new(), nothing)
    }

    /// Lays the bands out; `None` if they take more room.
    fn lay(&self, bands: &[Band], grid: Grid, top: f64, room: f64) -> Option<Layout> {
        let limit = (room / grid.cell()) as u64;
        let mut holes: Vec<u64> = bands
            .windows(2)
            .map(|pair| pair[1].start(self) - pair[0].end(self))
            .filter(|&hole| hole >= HOLE)
            .collect();
        holes.sort_unstable_by(|a, b| b.cmp(a));
        let least_hole = holes.get(HOLES - 1).copied().unwrap_or(HOLE);
        let start = top + 15.0;
        let mut y = start;
        let mut before: Option<u64> = None;
        let mut laid = Vec::with_capacity(bands.len());
        for (index, band) in bands.iter().enumerate() {
            let rows = Rows::new(band, self, grid, limit)?;
            let hole = before.map(|before| band.start(self) - before);
            let hole = hole.filter(|&hole| hole >= least_hole);
            if hole.is_some() {
                y += CUT_WITH_TEXT;
            }
            before = Some(band.end(self));
            let lines = if band.gathered.is_some() { 1.0 } else { 2.0 };
            let height = snap(rows.height(grid).max(lines * LINE));
            laid.push(Laid {
                band: index,
                rows,
                top: y,
                height,
                hole,
            });
            y += height + STEP;
            if y - start > room {
                return None;
            }
        }
        Some(Layout {
            grid,
            bands: laid,
            height: y - start,
        })
    }

    fn band(&self, band: &Band, laid: &Laid, grid: Grid) -> Element {
        let mut elements = Vec::new();
        let figures = format!(
            "{} of {}",
            human_size(band.totals.resident()),
            human_size(band.size(self))
        );
        let (start, end) = (band.start(self), band.end(self));
        let mut line = 0.0;
        let mut write = |ink: Ink, text: &str, cut: Cut| {
            let text = fit(text, LABEL_WIDTH, SMALL, false, cut);
            elements.push(Element::text(ink, (0.0, line * LINE + BASE), text));
            line += 1.0;
        };
        let name = match band.gathered {
            Some(count) => format!("{count} more"),
            None => self.short_name(band),
        };
        if band.gathered.is_some() {
            write(Ink::Faint, &format!("{name}: {figures}"), Cut::End);
        } else {
            write(Ink::Text, &name, Cut::Middle);
            if laid.height >= 3.0 * LINE {
                write(Ink::Faint, &figures, Cut::End);
                write(Ink::Faint, &format!("{start:x}–{end:x}"), Cut::End);
            } else {
                write(Ink::Faint, &format!("{figures}, {start:x}"), Cut::End);
            }
        }
        let label = format!("{name}, {start:x}–{end:x}: {figures} in memory");
        self.blocks(&mut elements, band, &laid.rows, grid);
        Element::Group {
            class: "band",
            place: (0.0, laid.top),
            data: vec![
                ("tabindex", "0".to_owned()),
                ("role", "img".to_owned()),
                ("aria-label", label),
                ("data-start", format!("{start:x}")),
                ("data-end", format!("{end:x}")),
                ("data-resident", band.totals.resident().to_string()),
                ("data-block", grid.block.to_string()),
                ("data-cell", grid.cell().to_string()),
                ("data-mappings", self.mappings(band)),
            ],
            elements,
        }
    }

    /// The name of what a band shows; of a path, its last part.
    fn short_name(&self, band: &Band) -> String {
        let region = &self.regions[band.regions[0]];
        match region.name.rsplit_once('/') {
            Some((_, name)) if region.is_file && !name.is_empty() => name.to_owned(),
            _ => region.name.clone(),
        }
    }

    /// The mappings of a band for a program: start, end, permissions and name.
    fn mappings(&self, band: &Band) -> String {
        let all: Vec<_> = band
            .regions
            .iter()
            .map(|&index| {
                let region = &self.regions[index];
                let name = fit(&region.name, 700.0, SMALL, false, Cut::Middle);
                let (start, end) = (format!("{:x}", region.start), format!("{:x}", region.end));
                (start, end, &region.permissions, name)
            })
            .collect();
        serde_json::to_string(&all).unwrap_or_default()
    }

    /// The blocks of a band, cuts and the marks where a mapping starts.
    fn blocks(&self, elements: &mut Vec<Element>, band: &Band, rows: &Rows, grid: Grid) {
        let cell = grid.cell();
        let mut marks = Outline::default();
        let mut y = 0.0;
        for part in &rows.parts {
            match part {
                Part::Cut(cut_rows) => {
                    let bytes = (cut_rows.end - cut_rows.start) * grid.columns * grid.block;
                    cut(elements, y, bytes, false);
                    y += CUT;
                }
                Part::Rows(shown) => {
                    for row in shown.clone() {
                        self.row(elements, &mut marks, (band, rows), grid, row, y);
                        y += cell;
                    }
                }
            }
        }
        elements.push(Element::path(Ink::Text, marks));
    }

    fn row(
        &self,
        elements: &mut Vec<Element>,
        marks: &mut Outline,
        (band, rows): (&Band, &Rows),
        grid: Grid,
        row: u64,
        y: f64,
    ) {
        let (first, end) = (row * grid.columns, (row + 1) * grid.columns);
        let mut place = first;
        let mut number = rows.places.partition_point(|places| places.end <= first);
        let mut next = rows
            .blocks
            .partition_point(|blocks| blocks.place + blocks.count <= first);
        while place < end && number < rows.places.len() {
            let places = &rows.places[number];
            let region = &self.regions[band.regions[number]];
            let x = MAP + (place - first) as f64 * grid.cell();
            let is_other = number > 0 && {
                let before = &self.regions[band.regions[number - 1]];
                band.gathered.is_none() || before.name != region.name
            };
            if place == places.start && is_other {
                marks.rectangle(
                    x - grid.gap() / 2.0 - 0.35,
                    y,
                    0.7,
                    grid.cell() - grid.gap(),
                );
            }
            let of_region = |place: u64| {
                let start = (region.start / grid.block + place - places.start) * grid.block;
                (
                    start.max(region.start),
                    (start + grid.block).min(region.end),
                )
            };
            let (from, to) = of_region(place);
            // As far as all blocks are alike: partly mapped ones are at the ends of a region.
            let mut stop = end.min(places.end);
            if to - from < grid.block {
                stop = place + 1;
            } else {
                let (last_from, last_to) = of_region(stop - 1);
                if last_to - last_from < grid.block && stop - 1 > place {
                    stop -= 1;
                }
            }
            let mut totals = Totals::default();
            if let Some(blocks) = rows.blocks.get(next) {
                if blocks.place > place {
                    stop = stop.min(blocks.place);
                } else {
                    stop = stop.min(blocks.place + blocks.count);
                    totals = blocks.totals;
                }
            }
            // Further ones of the same mixture.
            while let Some(blocks) = rows.blocks.get(next) {
                if blocks.place + blocks.count > stop {
                    break;
                }
                next += 1;
            }
            let (_, until) = of_region(stop - 1);
            elements.push(run(
                grid,
                (x, y),
                stop - place,
                totals,
                from..until,
                to - from,
                number,
            ));
            place = stop;
            if place == places.end {
                number += 1;
            }
        }
    }

    /// What the picture can't show, in words. Returns how high the picture is.
    fn notes(&self, elements: &mut Vec<Element>, layout: &Layout, empty: &Empty) -> f64 {
        let mut y = layout
            .bands
            .last()
            .map_or(0.0, |laid| laid.top + laid.height)
            + 5.0;
        let mut note = |text: &str| {
            elements.push(Element::text(Ink::Faint, (0.0, y + BASE), text));
            y += LINE;
        };
        if layout.bands.is_empty() {
            note("Nothing is in memory.");
        }
        if empty.mappings > 0 {
            let (are, plural) = if empty.mappings == 1 {
                ("is", "")
            } else {
                ("are", "s")
            };
            note(&format!(
                "{} mapping{plural} without pages, {} in all, {are} not drawn.",
                empty.mappings,
                human_size(empty.size)
            ));
        }
        if layout.grid.block > self.page_size {
            note(
                "A block of several states is striped: a quarter of its height for each quarter of its",
            );
            note(
                "size, and at least one for each state. What is higher than its stripes is not mapped.",
            );
        }
        let has_cut = layout.bands.iter().any(|laid| {
            laid.hole.is_some()
                || laid
                    .rows
                    .parts
                    .iter()
                    .any(|part| matches!(part, Part::Cut(_)))
        });
        if has_cut {
            note("A zigzag cuts addresses without pages out: it is not to scale.");
        }
        y
    }
}

impl Rows {
    fn height(&self, grid: Grid) -> f64 {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Rows(rows) => (rows.end - rows.start) as f64 * grid.cell(),
                Part::Cut(_) => CUT,
            })
            .sum()
    }
}

/// Blocks that are alike, side by side.
fn run(
    grid: Grid,
    place: (f64, f64),
    count: u64,
    totals: Totals,
    range: std::ops::Range<u64>,
    mapped: u64,
    mapping: usize,
) -> Element {
    let (cell, gap) = (grid.cell(), grid.gap());
    let side = cell - gap;
    let bytes: Vec<String> = totals
        .kinds()
        .map(|(kind, bytes)| format!("{} {bytes}", kind.ink().class()))
        .collect();
    let mut data: Data = vec![
        ("data-at", format!("{:x}", range.start)),
        ("data-to", format!("{:x}", range.end)),
        ("data-blocks", count.to_string()),
        ("data-mapping", mapping.to_string()),
    ];
    if !bytes.is_empty() {
        data.push(("data-each", bytes.join(" ")));
    }
    let mut elements = Vec::new();
    let stripes = stripes(&totals, mapped, grid.block);
    let is_whole = stripes == [stripes[0]; 4];
    if is_whole {
        let kind = stripes[0].flatten();
        let is_huge = matches!(kind, Some(Kind::PrivateHuge | Kind::FileHuge));
        if is_huge {
            // Huge pages know no borders of blocks.
            push_block(
                &mut elements,
                kind,
                0.0,
                0.0,
                count as f64 * cell - gap,
                side,
                true,
            );
        } else {
            push_blocks(&mut elements, kind, count, cell, side);
        }
    } else {
        for kind in [None].into_iter().chain(Kind::ALL.map(Some)) {
            let mut outline = Outline::default();
            let mut any = false;
            for number in 0..count {
                for (quarter, stripe) in stripes.iter().enumerate() {
                    if *stripe == Some(kind) {
                        any = true;
                        outline.rectangle(
                            number as f64 * cell,
                            side * (3 - quarter) as f64 / 4.0,
                            side,
                            side / 4.0,
                        );
                    }
                }
            }
            if any {
                elements.push(Element::path(kind.map_or(Ink::Absent, Kind::ink), outline));
            }
        }
    }
    Element::Group {
        class: "run",
        place,
        data,
        elements,
    }
}

fn push_blocks(elements: &mut Vec<Element>, kind: Option<Kind>, count: u64, cell: f64, side: f64) {
    let mut outline = Outline::default();
    for number in 0..count {
        shape(&mut outline, kind, number as f64 * cell, 0.0, side, side);
    }
    elements.push(Element::path(kind.map_or(Ink::Absent, Kind::ink), outline));
}

fn push_block(
    elements: &mut Vec<Element>,
    kind: Option<Kind>,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    _solid: bool,
) {
    let mut outline = Outline::default();
    shape(&mut outline, kind, x, y, width, height);
    elements.push(Element::path(kind.map_or(Ink::Absent, Kind::ink), outline));
}

/// Kinds that are not in the working set differ in shape, too: hollow, or half.
fn shape(outline: &mut Outline, kind: Option<Kind>, x: f64, y: f64, width: f64, height: f64) {
    match kind {
        Some(Kind::Zero) => {
            let rim = width / 4.0;
            outline.rectangle(x, y, width, height);
            // The other way round: a hole.
            let (left, right) = (x + rim, x + width - rim);
            let (top, bottom) = (y + rim, y + height - rim);
            outline.polygon(&[(left, top), (left, bottom), (right, bottom), (right, top)]);
        }
        Some(Kind::Swapped) => {
            outline.polygon(&[(x, y), (x + width, y + height), (x, y + height)]);
        }
        _ => {
            outline.rectangle(x, y, width, height);
        }
    }
}

/// What the quarters of a block show, from below: `None` what is not mapped, `Some(None)` what is
/// not in memory.
fn stripes(totals: &Totals, mapped: u64, block: u64) -> [Option<Option<Kind>>; 4] {
    let mut parts: Vec<(Option<Kind>, u64)> = totals
        .kinds()
        .map(|(kind, bytes)| (Some(kind), bytes))
        .collect();
    if parts.len() == 1 && parts[0].1 == block {
        return [Some(parts[0].0); 4];
    }
    let quarters = (u128::from(mapped) * 4).div_ceil(u128::from(block)) as usize;
    parts.sort_by_key(|&(_, bytes)| std::cmp::Reverse(bytes));
    parts.truncate(quarters);
    let absent = mapped - totals.known();
    if absent > 0 && parts.len() < quarters {
        parts.push((None, absent));
    }
    let mut counts = vec![1usize; parts.len()];
    for _ in parts.len()..quarters {
        let lack = |index: usize| {
            parts[index].1 as f64 / mapped as f64 * quarters as f64 - counts[index] as f64
        };
        let most = (0..parts.len()).max_by(|&a, &b| lack(a).total_cmp(&lack(b)));
        if let Some(most) = most {
            counts[most] += 1;
        }
    }
    let mut stripes = [None; 4];
    let shown = parts.iter().zip(&counts);
    let all = shown.flat_map(|(&(kind, _), &count)| std::iter::repeat_n(kind, count));
    for (stripe, kind) in stripes.iter_mut().zip(all) {
        *stripe = Some(kind);
    }
    stripes
}

/// The mark of addresses that are left out.
fn cut(elements: &mut Vec<Element>, y: f64, bytes: u64, with_text: bool) {
    let (height, right) = if with_text {
        let text = format!("{} without pages", human_size(bytes));
        let room = width(&text, SMALL, false) + 6.0;
        elements.push(Element::Text {
            ink: Ink::Faint,
            place: (WIDTH, y + BASE),
            size: SMALL,
            bold: false,
            align: Align::End,
            text,
        });
        (10.0, WIDTH - room)
    } else {
        (CUT, WIDTH)
    };
    let middle = y + height / 2.0 - 0.6;
    let steps = ((right - MAP) / STEP) as usize;
    let point = |index: usize, lower: f64| {
        let up = if index.is_multiple_of(2) { -1.0 } else { 1.0 };
        (MAP + index as f64 * STEP, middle + up + lower)
    };
    let upper = (0..=steps).map(|index| point(index, 0.0));
    let lower = (0..=steps).rev().map(|index| point(index, 0.8));
    let corners: Vec<_> = upper.chain(lower).collect();
    let mut outline = Outline::default();
    outline.polygon(&corners);
    elements.push(Element::Group {
        class: "cut",
        place: (0.0, 0.0),
        data: vec![("data-bytes", bytes.to_string())],
        elements: vec![Element::path(Ink::Faint, outline)],
    });
}

fn snap(length: f64) -> f64 {
    (length / STEP).ceil() * STEP
}
