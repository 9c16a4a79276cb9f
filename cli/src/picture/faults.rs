//! The picture of faults over time by address, with a band for each mapping that was touched.
//!
//! Time runs to the right, addresses run down. The picture of one program has one page, whatever
//! the number of mappings and faults. Several programs follow each other, each with its own
//! addresses:
//!
//! * The mappings with the most faults have a band each. The others share one band, in which their
//!   touched parts follow each other.
//! * A band extends from its lowest to its highest touched address, not over the whole mapping.
//! * The faults of a band are counted in bins of one row and one column. Bands with more faults
//!   have more rows, in proportion to the square root of their number.

mod bands;
mod bin;
mod model;

use std::collections::BTreeSet;

use super::axis::{format_time, ticks};
use super::metrics::{BASELINE, LINE, MAP, MAP_WIDTH, MARGIN, RIGHT};
use super::palette::Color;
use super::scene::{Align, Element, Outline, Scene};
use super::text::{Cut, SMALL, count_noun, fit};
use bands::{Band, band_of_programs, bands};
use bin::CELL;
pub use model::{FaultPoint, ProgramFaults, Span};

const NO_FAULTS: &[&str] = &["No page faults were recorded."];
const NOTES: &[&str] = &[
    "The size of a square shows its number of faults: 1, up to 10, up to 100, or more. If some of them",
    "are major, the lower right half is orange. A band spans the lowest to the highest touched address.",
];
const CAPTION: &str = "Point at a square to see its faults, times, addresses and mapping. Press Tab to \
                       move between mappings, and the arrow keys to move between squares.";

/// The number of programs with bands of their own. The others share one band.
const MAX_PROGRAMS: usize = 100;

/// Draws the faults of programs, the one with the most faults first.
///
/// Each program has an address space of its own, and therefore bands of its own. Faults outside all
/// spans have a band. The spans with the fewest faults share a band.
pub fn faults_over_time(title: &str, time: &str, programs: &[ProgramFaults]) -> Scene {
    let touched = programs.iter().filter(|program| !program.points.is_empty());
    let mut programs: Vec<&ProgramFaults> = touched.collect();
    programs.sort_by_key(|program| std::cmp::Reverse(program.points.len()));
    let points = || programs.iter().flat_map(|program| &program.points);
    let duration = points().map(|point| point.time_ns).max().unwrap_or(0);
    let is_empty = programs.is_empty();
    let mut elements = Vec::new();
    let mut y = head(&mut elements, title, time, points());
    if !is_empty {
        y = time_axis(&mut elements, duration, y);
    }
    for (name, bands) in sections(&programs, duration) {
        if !name.is_empty() {
            y += LINE / 2.0;
            elements.push(Element::Text {
                color: Color::Text,
                position: (MARGIN, y + BASELINE),
                size: SMALL,
                bold: true,
                align: Align::Start,
                room: RIGHT - MARGIN,
                text: fit(&name, RIGHT - MARGIN, SMALL, true, Cut::Middle),
            });
            y += LINE;
        }
        for band in &bands {
            elements.push(band.draw(y));
            y += band.height() + CELL;
        }
    }
    let (notes, caption) = if is_empty {
        (NO_FAULTS, "")
    } else {
        (NOTES, CAPTION)
    };
    for &note in notes {
        elements.push(Element::text(Color::Faint, (MARGIN, y + BASELINE), note));
        y += LINE;
    }
    Scene {
        height: y + MARGIN,
        title: format!("Faults of {title}"),
        caption,
        elements,
    }
}

/// Returns a heading and the bands for each program. A single program needs no heading.
fn sections<'a>(programs: &[&'a ProgramFaults], duration: u64) -> Vec<(String, Vec<Band<'a>>)> {
    let count = |program: &ProgramFaults| program.points.len();
    if let [program] = programs {
        return vec![(String::new(), bands(program, 1.0, duration))];
    }
    let weight = |program: &ProgramFaults| (count(program) as f64).sqrt();
    let total: f64 = programs.iter().map(|program| weight(program)).sum();
    let (drawn, rest) = programs.split_at(programs.len().min(MAX_PROGRAMS));
    let mut sections: Vec<_> = drawn
        .iter()
        .map(|program| {
            let faults = count_noun(count(program), "fault");
            let bands = bands(program, weight(program) / total, duration);
            (format!("{}: {faults}", program.name), bands)
        })
        .collect();
    if !rest.is_empty() {
        let faults: usize = rest.iter().map(|program| count(program)).sum();
        let (programs, faults) = (
            count_noun(rest.len(), "more program"),
            count_noun(faults, "fault"),
        );
        let band = band_of_programs(rest, duration);
        sections.push((format!("{programs}: {faults}"), vec![band]));
    }
    sections
}

/// Draws title, time, totals and legend. Returns the position below them.
fn head<'a>(
    elements: &mut Vec<Element>,
    title: &str,
    time: &str,
    points: impl Iterator<Item = &'a FaultPoint> + Clone,
) -> f64 {
    elements.push(Element::Text {
        color: Color::Text,
        position: (MARGIN, MARGIN + 12.0),
        size: 15.0,
        bold: true,
        align: Align::Start,
        room: RIGHT - MARGIN,
        text: fit(title, RIGHT - MARGIN, 15.0, true, Cut::Middle),
    });
    let threads: BTreeSet<u32> = points.clone().map(|point| point.thread).collect();
    let line = format!(
        "{time}: {} in {}",
        count_noun(points.clone().count(), "fault"),
        count_noun(threads.len(), "thread")
    );
    elements.push(Element::text(Color::Faint, (MARGIN, MARGIN + 26.0), line));
    let major = points.clone().filter(|point| point.major).count();
    let top = MARGIN + 35.0;
    for (x, color, count, label) in [
        (
            MARGIN,
            Color::MinorFault,
            points.count() - major,
            "minor: page in memory, or new",
        ),
        (
            MAP + MAP_WIDTH / 4.0,
            Color::MajorFault,
            major,
            "major: page read from a disk",
        ),
    ] {
        let mut sample = Outline::default();
        sample.rectangle(0.0, 0.0, 8.0, 8.0);
        elements.push(Element::Group {
            class: "legend",
            position: (x, top),
            attributes: vec![
                ("data-kind", color.class().to_owned()),
                ("data-total", count.to_string()),
            ],
            elements: vec![
                Element::path(color, sample),
                Element::small(Color::Text, (50.0, 7.5), Align::End, count.to_string()),
                Element::text_within(MAP_WIDTH / 2.0, Color::Text, (56.0, 7.5), label),
            ],
        });
    }
    top + 17.5
}

/// Draws the time axis. Returns the position below it.
fn time_axis(elements: &mut Vec<Element>, duration: u64, y: f64) -> f64 {
    let mut marks = Outline::default();
    for tick in ticks(duration, 6) {
        let x = MAP + MAP_WIDTH * (tick as f64 / duration.max(1) as f64);
        // Labels at the ends must not leave the picture.
        let align = match tick {
            0 => Align::Start,
            _ if x > RIGHT - 20.0 => Align::End,
            _ => Align::Middle,
        };
        marks.rectangle((x - 0.3).clamp(MAP, RIGHT - 0.6), y + 10.0, 0.6, 2.5);
        elements.push(Element::small(
            Color::Faint,
            (x, y + BASELINE),
            align,
            format_time(tick, duration),
        ));
    }
    elements.push(Element::path(Color::Faint, marks));
    elements.push(Element::text(
        Color::Faint,
        (MARGIN, y + BASELINE),
        "time since the start",
    ));
    y + 15.0
}

#[cfg(test)]
mod tests {
    use resvg::usvg::roxmltree::Document;

    use super::bands::MAX_BANDS;
    use super::*;
    use crate::picture::scene::SvgTarget;

    fn point(time_ns: u64, address: u64, major: bool) -> FaultPoint {
        FaultPoint {
            time_ns,
            address,
            major,
            thread: (address % 3) as u32,
        }
    }

    fn spans(count: u64) -> Vec<Span> {
        let span = |number: u64| Span {
            name: format!("<{number}>"),
            full_name: format!("/<{number}>"),
            start: number << 32,
            end: (number + 1) << 32,
        };
        (1..=count).map(span).collect()
    }

    fn program(name: &str, points: Vec<FaultPoint>, span_count: u64) -> ProgramFaults {
        ProgramFaults {
            name: name.to_owned(),
            points,
            spans: spans(span_count),
        }
    }

    /// Returns the name, minor faults and major faults of each band of a picture.
    fn drawn_bands(scene: &Scene) -> Vec<(String, u64, u64)> {
        let svg = scene.svg(SvgTarget::File);
        let document = Document::parse(&svg).unwrap();
        let has_class = |class| {
            move |node: &resvg::usvg::roxmltree::Node<'_, '_>| {
                node.attribute("class") == Some(class)
            }
        };
        let bands = document.descendants().filter(has_class("faults"));
        bands
            .map(|band| {
                let sum = |name| -> u64 {
                    let bins = band.children().filter(has_class("bin"));
                    bins.map(|bin| bin.attribute(name).unwrap().parse::<u64>().unwrap())
                        .sum()
                };
                let name = band.attribute("data-name").unwrap().to_owned();
                (name, sum("data-minor"), sum("data-major"))
            })
            .collect()
    }

    #[test]
    fn faults_are_in_their_band() {
        let points = vec![
            point(0, 1 << 32, false),
            point(5, (1 << 32) + 4096, true),
            point(1000, (3 << 32) - 1, false),
            point(1000, 9 << 32, true),
            point(1000, 0, true),
        ];
        let scene = faults_over_time("x", "now", &[program("x", points, 3)]);
        assert_eq!(
            drawn_bands(&scene),
            [
                ("<1>".to_owned(), 1, 1),
                ("<2>".to_owned(), 1, 0),
                ("elsewhere".to_owned(), 0, 2),
            ]
        );
        let empty = faults_over_time("x", "now", &[program("x", Vec::new(), 3)]);
        assert_eq!(drawn_bands(&empty), []);
        let svg = empty.svg(SvgTarget::File);
        assert!(svg.contains(">No page faults were recorded.<"), "{svg}");
        assert!(!svg.contains("square") && !svg.contains("0 ns"), "{svg}");
    }

    #[test]
    fn million_faults_fit_one_page() {
        let points: Vec<FaultPoint> = (0..1_000_000)
            .map(|n: u64| {
                point(
                    n * 1000,
                    (1 + n % 100) << 32 | (n * 4096) & 0xffff_ffff,
                    n.is_multiple_of(7),
                )
            })
            .collect();
        let scene = faults_over_time("x", "now", &[program("x", points, 100)]);
        let bands = drawn_bands(&scene);
        assert_eq!(bands.len(), MAX_BANDS + 1);
        let all: u64 = bands.iter().map(|(_, minor, major)| minor + major).sum();
        assert_eq!(all, 1_000_000);
        assert!(scene.height < 700.0, "{}", scene.height);
        assert!(scene.svg(SvgTarget::File).len() < 8 << 20);
    }

    #[test]
    fn programs_are_drawn_heaviest_first() {
        let of = |name: &str, faults: u64| {
            let points = (0..faults).map(|n| point(n, (1 << 32) + n * 4096, false));
            program(name, points.collect(), 1)
        };
        let scene = faults_over_time("x", "now", &[of("a", 3), of("b", 0), of("c", 500)]);
        let svg = scene.svg(SvgTarget::File);
        let c = svg.find("c: 500 faults").unwrap();
        let a = svg.find("a: 3 faults").unwrap();
        assert!(c < a && !svg.contains("b: 0 faults"));
        assert!(svg.contains("503 faults in"));
        let drawn: u64 = drawn_bands(&scene).iter().map(|band| band.1).sum();
        assert_eq!(drawn, 503);
    }

    #[test]
    fn thousand_programs_are_drawn_completely() {
        let programs: Vec<ProgramFaults> = (1..=1000)
            .map(|number: u64| {
                let points = (0..number).map(|n| point(n, (1 + n % 9) << 32 | n << 12, false));
                program(&number.to_string(), points.collect(), 8)
            })
            .collect();
        let scene = faults_over_time("x", "now", &programs);
        let drawn: u64 = drawn_bands(&scene).iter().map(|band| band.1).sum();
        assert_eq!(drawn, 500_500);
        let svg = scene.svg(SvgTarget::File);
        assert!(svg.contains("900 more programs: 405450 faults"));
        assert!(scene.height < 10_000.0, "{}", scene.height);
    }
}
