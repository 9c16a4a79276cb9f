//! Faults over time by address: a band for each mapping that was touched.

use std::collections::{BTreeMap, BTreeSet};

use super::axis::{span, ticks};
use super::palette::Ink;
use super::scene::{Align, Element, MARGIN, Outline, RIGHT, Scene};
use super::text::{Cut, SMALL, fit};

/// A page fault.
#[derive(Debug, Clone, Copy)]
pub struct FaultPoint {
    /// Since the watch began.
    pub time_ns: u64,
    pub address: u64,
    /// Whether it waited for a disk.
    pub hard: bool,
    pub thread: u32,
}

/// Addresses that belong together, such as a mapping or a module.
#[derive(Debug, Clone)]
pub struct Span {
    /// Fit to be seen.
    pub name: String,
    pub start: u64,
    pub end: u64,
}

/// Where the bins start: labels are to the left.
const MAP: f64 = 152.0;
const MAP_WIDTH: f64 = RIGHT - MAP;
const LABEL_WIDTH: f64 = MAP - 8.0 - MARGIN;
const LINE: f64 = 11.25;
const BASE: f64 = 8.5;
/// A bin's width and height, with what is free beside it.
const CELL: f64 = 2.5;
const SIDE: f64 = CELL * 7.0 / 8.0;
const COLUMNS: u64 = (MAP_WIDTH / CELL) as u64;
/// How many bands have a label of their own.
const KEPT: usize = 14;
/// The rows that all bands together may have, and one at least: room for two lines of text.
const ROWS: u64 = 200;
const LEAST_ROWS: u64 = 10;

/// What happened in a band.
struct Band {
    name: String,
    /// The first address that was touched; `None` of several spans.
    start: Option<u64>,
    faults: usize,
    rows: u64,
    /// By row and column: soft and hard ones.
    bins: BTreeMap<(u64, u64), [u64; 2]>,
}

/// Draws faults. Those beside all spans have a band of their own, and so have, together, the spans
/// with the fewest.
pub fn faults_over_time(title: &str, taken: &str, points: &[FaultPoint], spans: &[Span]) -> Scene {
    let duration = points.iter().map(|point| point.time_ns).max().unwrap_or(0);
    let bands = bands(points, spans, duration);
    let mut elements = Vec::new();
    let mut y = head(&mut elements, title, taken, points);
    y = time_axis(&mut elements, duration, y);
    for band in &bands {
        elements.push(band.draw(y));
        y += band.rows as f64 * CELL + CELL;
    }
    for note in [
        "A square is larger the more faults it stands for: 1, up to 10, up to 100, more. Where some",
        "are hard, its lower right is theirs. A band goes from the first to the last address that was touched.",
    ] {
        elements.push(Element::text(Ink::Faint, (MARGIN, y + BASE), note));
        y += LINE;
    }
    Scene {
        height: y + MARGIN,
        title: format!("Faults of {title}"),
        caption: "",
        elements,
    }
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn head(elements: &mut Vec<Element>, title: &str, taken: &str, points: &[FaultPoint]) -> f64 {
    elements.push(Element::Text {
        ink: Ink::Text,
        place: (MARGIN, MARGIN + 12.0),
        size: 15.0,
        bold: true,
        align: Align::Start,
        text: fit(title, RIGHT - MARGIN, 15.0, true, Cut::Middle),
    });
    let threads: BTreeSet<u32> = points.iter().map(|point| point.thread).collect();
    let line = format!(
        "{taken}: {} in {}",
        counted(points.len(), "fault"),
        counted(threads.len(), "thread")
    );
    elements.push(Element::text(Ink::Faint, (MARGIN, MARGIN + 26.0), line));
    let hard = points.iter().filter(|point| point.hard).count();
    let top = MARGIN + 35.0;
    for (x, ink, count, words) in [
        (
            MARGIN,
            Ink::Soft,
            points.len() - hard,
            "soft: the page was in memory",
        ),
        (
            MAP + MAP_WIDTH / 4.0,
            Ink::Hard,
            hard,
            "hard: it came from a disk",
        ),
    ] {
        let mut sample = Outline::default();
        sample.rectangle(0.0, 0.0, 8.0, 8.0);
        elements.push(Element::Group {
            class: "legend",
            place: (x, top),
            data: vec![
                ("data-kind", ink.class().to_owned()),
                ("data-total", count.to_string()),
            ],
            elements: vec![
                Element::path(ink, sample),
                Element::small(Ink::Text, (50.0, 7.5), Align::End, count.to_string()),
                Element::text(Ink::Text, (56.0, 7.5), words),
            ],
        });
    }
    top + 17.5
}

fn time_axis(elements: &mut Vec<Element>, duration: u64, y: f64) -> f64 {
    let mut marks = Outline::default();
    for tick in ticks(duration, 6) {
        let x = MAP + MAP_WIDTH * (tick as f64 / duration.max(1) as f64);
        let align = match tick {
            0 => Align::Start,
            _ if x > RIGHT - 20.0 => Align::End,
            _ => Align::Middle,
        };
        marks.rectangle((x - 0.3).clamp(MAP, RIGHT - 0.6), y + 10.0, 0.6, 2.5);
        elements.push(Element::small(
            Ink::Faint,
            (x, y + BASE),
            align,
            span(tick, duration),
        ));
    }
    elements.push(Element::path(Ink::Faint, marks));
    elements.push(Element::text(
        Ink::Faint,
        (MARGIN, y + BASE),
        "time since the start",
    ));
    y + 15.0
}

/// The bands by ascending address, what is gathered or elsewhere behind them.
fn bands(points: &[FaultPoint], spans: &[Span], duration: u64) -> Vec<Band> {
    let mut sorted: Vec<&Span> = spans.iter().collect();
    sorted.sort_by_key(|span| span.start);
    // Of each span, and behind them of none, its points.
    let mut of_span: Vec<Vec<&FaultPoint>> = vec![Vec::new(); sorted.len() + 1];
    for point in points {
        let behind = sorted.partition_point(|span| span.start <= point.address);
        let is_in = behind
            .checked_sub(1)
            .filter(|&index| point.address < sorted[index].end);
        of_span[is_in.unwrap_or(sorted.len())].push(point);
    }
    let elsewhere = of_span.pop().unwrap_or_default();
    let mut touched: Vec<(String, Vec<&FaultPoint>)> = sorted
        .iter()
        .zip(of_span)
        .filter(|(_, points)| !points.is_empty())
        .map(|(span, points)| (span.name.clone(), points))
        .collect();
    let mut by_faults: Vec<usize> = (0..touched.len()).collect();
    by_faults.sort_by_key(|&index| std::cmp::Reverse(touched[index].1.len()));
    let small: BTreeSet<usize> = by_faults.into_iter().skip(KEPT).collect();
    let mut index = 0..;
    let gathered: Vec<_> = touched
        .extract_if(.., |_| {
            index.next().is_some_and(|index| small.contains(&index))
        })
        .collect();
    let mut placed: Vec<(String, Option<u64>, Vec<Placed<'_>>)> = touched
        .into_iter()
        .chain((!elsewhere.is_empty()).then(|| ("elsewhere".to_owned(), elsewhere)))
        .map(|(name, points)| {
            let start = lowest(&points);
            (name, Some(start), place(&points, 0).collect())
        })
        .collect();
    if !gathered.is_empty() {
        let name = format!("{} more", gathered.len());
        // One behind another: what lies between them is nobody's.
        let (mut all, mut end) = (Vec::new(), 0);
        for (_, points) in &gathered {
            let before = all.len();
            all.extend(place(points, end));
            let last = all[before..].iter().map(|&(place, _)| place).max();
            end = last.map_or(end, |last| last + 1);
        }
        placed.push((name, None, all));
    }
    // A band of many faults is higher, but not by as much as it has more of them.
    let weight = |points: &[Placed<'_>]| (points.len() as f64).sqrt();
    let all: f64 = placed.iter().map(|(.., points)| weight(points)).sum();
    let free = ROWS.saturating_sub(LEAST_ROWS * placed.len() as u64);
    placed
        .into_iter()
        .map(|(name, start, points)| {
            let rows = LEAST_ROWS + (free as f64 * weight(&points) / all) as u64;
            Band::new(name, start, &points, rows, duration)
        })
        .collect()
}

/// A fault, and how far from the start of its band it is.
type Placed<'a> = (u64, &'a FaultPoint);

fn lowest(points: &[&FaultPoint]) -> u64 {
    points.iter().map(|point| point.address).min().unwrap_or(0)
}

/// Faults from a place in their band on.
fn place<'a>(points: &[&'a FaultPoint], from: u64) -> impl Iterator<Item = Placed<'a>> {
    let start = lowest(points);
    points
        .iter()
        .map(move |point| (from + (point.address - start), *point))
}

impl Band {
    fn new(
        name: String,
        start: Option<u64>,
        points: &[Placed<'_>],
        rows: u64,
        duration: u64,
    ) -> Self {
        let last = points.iter().map(|&(place, _)| place).max().unwrap_or(0);
        let mut bins: BTreeMap<(u64, u64), [u64; 2]> = BTreeMap::new();
        for (place, point) in points {
            let row = share(*place, last, rows);
            let column = share(point.time_ns, duration, COLUMNS);
            bins.entry((row, column)).or_default()[usize::from(point.hard)] += 1;
        }
        Band {
            name,
            start,
            faults: points.len(),
            rows,
            bins,
        }
    }

    fn draw(&self, y: f64) -> Element {
        let line = |ink: Ink, number: f64, text: &str, cut: Cut| {
            let text = fit(text, LABEL_WIDTH, SMALL, false, cut);
            Element::text(ink, (MARGIN, number * LINE + BASE), text)
        };
        let mut faults = format!("{} faults", self.faults);
        if let Some(start) = self.start {
            faults.push_str(&format!(", from {start:x}"));
        }
        let mut ground = Outline::default();
        ground.rectangle(MAP, 0.0, MAP_WIDTH, self.rows as f64 * CELL);
        let mut elements = vec![
            line(Ink::Text, 0.0, &self.name, Cut::Middle),
            line(Ink::Faint, 1.0, &faults, Cut::End),
            Element::path(Ink::Absent, ground),
        ];
        for (&(row, column), &[soft, hard]) in &self.bins {
            elements.push(bin(row, column, soft, hard));
        }
        Element::Group {
            class: "faults",
            place: (0.0, y),
            data: vec![("data-name", self.name.clone())],
            elements,
        }
    }
}

/// Which of so many parts of a length something is in.
fn share(place: u64, length: u64, parts: u64) -> u64 {
    let part = u128::from(place) * u128::from(parts) / (u128::from(length) + 1);
    part as u64
}

fn bin(row: u64, column: u64, soft: u64, hard: u64) -> Element {
    let (left, top) = (MAP + column as f64 * CELL, row as f64 * CELL);
    let side = SIDE
        * match soft + hard {
            0..2 => 0.4,
            2..11 => 0.6,
            11..101 => 0.8,
            _ => 1.0,
        };
    let free = (SIDE - side) / 2.0;
    let (x, y) = (left + free, top + free);
    let mut elements = Vec::new();
    if soft > 0 {
        let mut outline = Outline::default();
        outline.rectangle(x, y, side, side);
        elements.push(Element::path(Ink::Soft, outline));
    }
    if hard > 0 {
        let mut outline = Outline::default();
        if soft > 0 {
            outline.polygon(&[(x + side, y), (x + side, y + side), (x, y + side)]);
        } else {
            outline.rectangle(x, y, side, side);
        }
        elements.push(Element::path(Ink::Hard, outline));
    }
    Element::Group {
        class: "bin",
        place: (0.0, 0.0),
        data: vec![
            ("data-soft", soft.to_string()),
            ("data-hard", hard.to_string()),
        ],
        elements,
    }
}

#[cfg(test)]
mod tests {
    use resvg::usvg::roxmltree::Document;

    use super::*;
    use crate::picture::scene::Place;

    fn point(time_ns: u64, address: u64, hard: bool) -> FaultPoint {
        FaultPoint {
            time_ns,
            address,
            hard,
            thread: (address % 3) as u32,
        }
    }

    fn spans(count: u64) -> Vec<Span> {
        let span = |number: u64| Span {
            name: format!("<{number}>"),
            start: number << 32,
            end: (number + 1) << 32,
        };
        (1..=count).map(span).collect()
    }

    /// Soft and hard faults by band.
    fn drawn(scene: &Scene) -> Vec<(String, u64, u64)> {
        let svg = scene.svg(Place::File);
        let document = Document::parse(&svg).unwrap();
        let of_class = |class| {
            move |node: &resvg::usvg::roxmltree::Node<'_, '_>| {
                node.attribute("class") == Some(class)
            }
        };
        let bands = document.descendants().filter(of_class("faults"));
        bands
            .map(|band| {
                let sum = |name| -> u64 {
                    let bins = band.children().filter(of_class("bin"));
                    bins.map(|bin| bin.attribute(name).unwrap().parse::<u64>().unwrap())
                        .sum()
                };
                let name = band.attribute("data-name").unwrap().to_owned();
                (name, sum("data-soft"), sum("data-hard"))
            })
            .collect()
    }

    #[test]
    fn each_fault_is_in_the_band_of_its_address() {
        let points = [
            point(0, 1 << 32, false),
            point(5, (1 << 32) + 4096, true),
            point(1000, (3 << 32) - 1, false),
            point(1000, 9 << 32, true),
            point(1000, 0, true),
        ];
        let scene = faults_over_time("x", "now", &points, &spans(3));
        assert_eq!(
            drawn(&scene),
            [
                ("<1>".to_owned(), 1, 1),
                ("<2>".to_owned(), 1, 0),
                ("elsewhere".to_owned(), 0, 2),
            ]
        );
        assert_eq!(drawn(&faults_over_time("x", "now", &[], &spans(3))), []);
    }

    #[test]
    fn a_million_faults_are_one_picture_of_a_page() {
        let points: Vec<FaultPoint> = (0..1_000_000)
            .map(|n: u64| {
                point(
                    n * 1000,
                    (1 + n % 100) << 32 | (n * 4096) & 0xffff_ffff,
                    n.is_multiple_of(7),
                )
            })
            .collect();
        let scene = faults_over_time("x", "now", &points, &spans(100));
        let bands = drawn(&scene);
        assert_eq!(bands.len(), KEPT + 1);
        let all: u64 = bands.iter().map(|(_, soft, hard)| soft + hard).sum();
        assert_eq!(all, 1_000_000);
        assert!(scene.height < 700.0, "{}", scene.height);
        assert!(scene.svg(Place::File).len() < 8 << 20);
    }
}
