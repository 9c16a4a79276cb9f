//! What a run came to, and the forms in which it is told: one file for each.

pub mod json;
pub mod markdown;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::bars::{Bar, Unit, Workload};
use crate::machine::Machine;
use crate::measure::Figure;

#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    /// What it ran against.
    pub stage: Vec<String>,
    pub rows: Vec<ReportRow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ReportRow {
    pub name: String,
    pub what: String,
    pub unit: Unit,
    /// In seconds, bytes, or a count; `None` if it could not be measured.
    pub figure: Option<f64>,
    pub against: Option<String>,
    pub against_figure: Option<f64>,
    pub ratio: Option<f64>,
    pub bar: Bar,
    /// `None` where there is no bar. What could not be measured is not met.
    pub met: Option<bool>,
    /// Why it could not be measured.
    pub failure: Option<String>,
}

impl Report {
    pub fn missed(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| row.met == Some(false))
            .count()
    }
}

/// The rows of one workload.
pub fn rows(workload: &Workload, measured: anyhow::Result<Vec<Figure>>) -> Vec<ReportRow> {
    let (figures, failure) = match measured {
        Ok(figures) => (figures, None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };
    let of = |name: &str| {
        let figure = figures.iter().find(|figure| figure.of == name)?;
        Some(figure.value)
    };
    let figure = of("psapi");
    let row = |row: &crate::bars::Row| {
        let against = row.against.as_ref();
        let against_figure = against.and_then(|against| of(against.contestant));
        let ratio = figure
            .zip(against_figure)
            .map(|(figure, against)| figure / against);
        let met = match row.bar {
            Bar::Times(most) => Some(ratio.is_some_and(|ratio| ratio <= most)),
            Bar::AtMost(most) => Some(figure.is_some_and(|figure| figure <= most)),
            Bar::Shown => None,
        };
        ReportRow {
            name: workload.name.into(),
            what: workload.what.into(),
            unit: workload.unit,
            figure,
            against: against.map(|against| against.described.into()),
            against_figure,
            ratio,
            bar: row.bar,
            met,
            failure: failure.clone(),
        }
    };
    workload.rows.iter().map(row).collect()
}

impl ReportRow {
    /// The texts of the columns; see [`HEADINGS`].
    fn cells(&self) -> [String; 7] {
        let figure = |value: Option<f64>| value.map_or("–".into(), |value| self.unit.show(value));
        [
            self.what.clone(),
            figure(self.figure),
            self.against.clone().unwrap_or_else(|| "–".into()),
            figure(self.against_figure),
            self.ratio.map_or("–".into(), |ratio| format!("{ratio:.2}")),
            match self.bar {
                Bar::Times(most) => format!("≤ {most} ×"),
                Bar::AtMost(most) => format!("≤ {}", self.unit.show(most)),
                Bar::Shown => "–".into(),
            },
            match (self.met, self.figure) {
                (_, None) => "not measured".into(),
                (Some(true), _) => "met".into(),
                (Some(false), _) => "MISSED".into(),
                (None, _) => "–".into(),
            },
        ]
    }
}

/// How it came out, in a few words.
fn verdict(report: &Report) -> String {
    match report.missed() {
        0 => "all bars met".into(),
        1 => "1 bar missed".into(),
        missed => format!("{missed} bars missed"),
    }
}

const HEADINGS: [&str; 7] = ["what", "psapi", "against", "its figure", "ratio", "bar", ""];

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Seconds if value < 1e-6 => format!("{:.0} ns", value * 1e9),
            Unit::Seconds if value < 1e-3 => format!("{:.2} µs", value * 1e6),
            Unit::Seconds => format!("{:.2} ms", value * 1e3),
            Unit::Bytes if value < 1024.0 => format!("{value:.2} B"),
            Unit::Bytes => format!("{:.2} MiB", value / (1024.0 * 1024.0)),
            Unit::Count => format!("{}", (value * 100.0).round() / 100.0),
        }
    }
}
