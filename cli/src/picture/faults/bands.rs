//! The bands: one for each span with many faults, and one for all others.

use std::collections::{BTreeMap, BTreeSet};

use super::bin::{Bin, CELL};
use super::model::{FaultPoint, ProgramFaults, Span};
use crate::picture::metrics::{
    BASELINE, LABEL_WIDTH, LINE, MAP, MAP_WIDTH, MARGIN, MAX_NAME_WIDTH,
};
use crate::picture::palette::Color;
use crate::picture::scene::{Element, Outline};
use crate::picture::text::{Cut, SMALL, count_noun, fit};

const COLUMNS: u64 = (MAP_WIDTH / CELL) as u64;
/// The number of spans with a band of their own, if all faults are those of one program.
pub const MAX_BANDS: usize = 14;
/// Rows of all bands together, if all faults are those of one program.
const ROWS: u64 = 200;
/// Rows of the smallest band: enough for two lines of text.
const MIN_ROWS: u64 = 10;

/// A band and the faults in it.
pub struct Band<'a> {
    name: String,
    /// The lowest touched address; `None` for a band of several spans.
    start: Option<u64>,
    /// Empty for faults outside all spans.
    spans: Vec<&'a Span>,
    faults: usize,
    rows: u64,
    /// By row and column.
    bins: BTreeMap<(u64, u64), Bin>,
}

/// A span and the faults in it.
type SpanFaults<'a> = (&'a Span, Vec<&'a FaultPoint>);

/// A fault in a band.
#[derive(Clone, Copy)]
struct Placed<'a> {
    /// The distance from the start of the band.
    offset: u64,
    point: &'a FaultPoint,
    /// The index of its span in the band; `None` outside all spans.
    span: Option<usize>,
}

/// A band before it has rows.
struct Draft<'a> {
    name: String,
    start: Option<u64>,
    spans: Vec<&'a Span>,
    points: Vec<Placed<'a>>,
}

/// Returns the bands of a program by ascending address. Faults outside all spans follow, then the
/// shared band. `share` is the program's part of the picture, at most 1.
pub fn bands(program: &ProgramFaults, share: f64, duration: u64) -> Vec<Band<'_>> {
    let (mut touched, elsewhere) = by_span(&program.points, &program.spans);
    // Twice as many as in proportion, because a program has mappings with few faults anyway.
    let limit = (MAX_BANDS as f64 * share * 2.0) as usize;
    let small = extract_small(&mut touched, limit.min(MAX_BANDS));
    let mut drafts: Vec<Draft<'_>> = touched
        .into_iter()
        .map(|(span, points)| Draft {
            name: span.name.clone(),
            start: Some(lowest(&points)),
            spans: vec![span],
            points: place(&points, 0, Some(0)).collect(),
        })
        .collect();
    if !elsewhere.is_empty() {
        drafts.push(Draft {
            name: "elsewhere".to_owned(),
            start: Some(lowest(&elsewhere)),
            spans: Vec::new(),
            points: place(&elsewhere, 0, None).collect(),
        });
    }
    if !small.is_empty() {
        let name = match drafts.is_empty() {
            true => count_noun(small.len(), "mapping"),
            false => format!("{} more", small.len()),
        };
        drafts.push(shared_band(name, &small));
    }
    // Each band gets the minimum. The other rows are distributed in proportion to the square root
    // of the number of faults. In proportion to the number itself, one busy heap would take all of
    // them.
    let weight = |draft: &Draft<'_>| (draft.points.len() as f64).sqrt();
    let total: f64 = drafts.iter().map(weight).sum();
    let rows = (ROWS as f64 * share) as u64;
    let free = rows.saturating_sub(MIN_ROWS * drafts.len() as u64);
    drafts
        .into_iter()
        .map(|draft| {
            let rows = MIN_ROWS + (free as f64 * weight(&draft) / total) as u64;
            Band::new(draft, rows, duration)
        })
        .collect()
}

/// Returns one band for several programs.
pub fn band_of_programs<'a>(programs: &[&'a ProgramFaults], duration: u64) -> Band<'a> {
    let mut touched = Vec::new();
    let mut elsewhere = Vec::new();
    for program in programs {
        let (in_spans, others) = by_span(&program.points, &program.spans);
        touched.extend(in_spans);
        elsewhere.extend(others);
    }
    let mut draft = shared_band(count_noun(touched.len(), "mapping"), &touched);
    let end = draft.points.iter().map(|placed| placed.offset + 1).max();
    draft
        .points
        .extend(place(&elsewhere, end.unwrap_or(0), None));
    Band::new(draft, MIN_ROWS, duration)
}

/// Sorts faults into spans. Returns the touched spans by ascending address, and the faults outside
/// all spans.
fn by_span<'a>(
    points: &'a [FaultPoint],
    spans: &'a [Span],
) -> (Vec<SpanFaults<'a>>, Vec<&'a FaultPoint>) {
    let mut sorted: Vec<&Span> = spans.iter().collect();
    sorted.sort_by_key(|span| span.start);
    let mut in_span: Vec<Vec<&FaultPoint>> = vec![Vec::new(); sorted.len()];
    let mut elsewhere = Vec::new();
    for point in points {
        // Spans do not overlap, so only the last span that starts at or below the address matters.
        let after = sorted.partition_point(|span| span.start <= point.address);
        let span = after
            .checked_sub(1)
            .filter(|&index| point.address < sorted[index].end);
        match span {
            Some(index) => in_span[index].push(point),
            None => elsewhere.push(point),
        }
    }
    let touched = sorted
        .into_iter()
        .zip(in_span)
        .filter(|(_, points)| !points.is_empty())
        .collect();
    (touched, elsewhere)
}

/// Keeps the `limit` spans with the most faults in `touched`. Removes and returns all others.
fn extract_small<'a>(touched: &mut Vec<SpanFaults<'a>>, limit: usize) -> Vec<SpanFaults<'a>> {
    let mut by_faults: Vec<usize> = (0..touched.len()).collect();
    by_faults.sort_by_key(|&index| std::cmp::Reverse(touched[index].1.len()));
    let small: BTreeSet<usize> = by_faults.into_iter().skip(limit).collect();
    // `extract_if` visits the elements in order but does not pass their indices.
    let mut index = 0..;
    touched
        .extract_if(.., |_| {
            index.next().is_some_and(|index| small.contains(&index))
        })
        .collect()
}

/// Puts spans into one band. The touched parts follow each other without the gaps between them.
fn shared_band<'a>(name: String, touched: &[SpanFaults<'a>]) -> Draft<'a> {
    let (mut all, mut end) = (Vec::new(), 0);
    for (index, (_, points)) in touched.iter().enumerate() {
        let before = all.len();
        all.extend(place(points, end, Some(index)));
        let last = all[before..].iter().map(|placed| placed.offset).max();
        end = last.map_or(end, |last| last + 1);
    }
    Draft {
        name,
        start: None,
        spans: touched.iter().map(|&(span, _)| span).collect(),
        points: all,
    }
}

fn lowest(points: &[&FaultPoint]) -> u64 {
    points.iter().map(|point| point.address).min().unwrap_or(0)
}

/// Places faults of a span in a band so that the lowest address is at offset `from`.
fn place<'a>(
    points: &[&'a FaultPoint],
    from: u64,
    span: Option<usize>,
) -> impl Iterator<Item = Placed<'a>> {
    let start = lowest(points);
    points.iter().map(move |&point| Placed {
        offset: from + (point.address - start),
        point,
        span,
    })
}

impl<'a> Band<'a> {
    fn new(draft: Draft<'a>, rows: u64, duration: u64) -> Self {
        let offsets = draft.points.iter().map(|placed| placed.offset);
        let last = offsets.max().unwrap_or(0);
        let mut bins: BTreeMap<(u64, u64), Bin> = BTreeMap::new();
        for placed in &draft.points {
            let row = part(placed.offset, last, rows);
            let column = part(placed.point.time_ns, duration, COLUMNS);
            bins.entry((row, column))
                .or_insert_with(|| Bin::new(placed.point))
                .add(placed.point, placed.span);
        }
        Band {
            name: draft.name,
            start: draft.start,
            spans: draft.spans,
            faults: draft.points.len(),
            rows,
            bins,
        }
    }

    /// Draws the band at a height.
    pub fn draw(&self, y: f64) -> Element {
        let line = |color: Color, number: f64, text: &str, cut: Cut| {
            let text = fit(text, LABEL_WIDTH, SMALL, false, cut);
            Element::text_within(LABEL_WIDTH, color, (MARGIN, number * LINE + BASELINE), text)
        };
        let mut faults = count_noun(self.faults, "fault");
        if let Some(start) = self.start {
            faults.push_str(&format!(", from {start:x}"));
        }
        let height = self.height();
        let mut background = Outline::default();
        background.rectangle(MAP, 0.0, MAP_WIDTH, height);
        let mut elements = vec![
            line(Color::Text, 0.0, &self.name, Cut::Middle),
            line(Color::Faint, 1.0, &faults, Cut::End),
            Element::path(Color::Absent, background),
        ];
        for (&(row, column), bin) in &self.bins {
            elements.push(bin.draw(row, column));
        }
        Element::Group {
            class: "faults",
            position: (0.0, y),
            attributes: vec![
                ("tabindex", "0".to_owned()),
                ("role", "img".to_owned()),
                ("aria-label", format!("{}: {faults}", self.name)),
                ("data-name", self.name.clone()),
                ("data-height", height.to_string()),
                ("data-cell", CELL.to_string()),
                ("data-mappings", self.mappings()),
            ],
            elements,
        }
    }

    /// Returns the height in points.
    pub fn height(&self) -> f64 {
        self.rows as f64 * CELL
    }

    /// Returns start, end and name of the spans as JSON, for the script of a page.
    fn mappings(&self) -> String {
        let all: Vec<_> = self
            .spans
            .iter()
            .map(|span| {
                let name = fit(&span.full_name, MAX_NAME_WIDTH, SMALL, false, Cut::Middle);
                let (start, end) = (format!("{:x}", span.start), format!("{:x}", span.end));
                (start, end, name)
            })
            .collect();
        serde_json::to_string(&all).expect("strings are valid JSON")
    }
}

/// Returns the index of the part that contains `offset`, with `0..=last` divided into equal parts.
fn part(offset: u64, last: u64, parts: u64) -> u64 {
    let part = u128::from(offset) * u128::from(parts) / (u128::from(last) + 1);
    part as u64
}
