//! What a run came to, and the forms in which it is told: one file for each.

pub mod json;
pub mod markdown;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::bars::{Bar, Unit, WORKLOADS, Workload};
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
    /// What could not be measured is missed, too.
    pub fn missed(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| row.met == Some(false))
            .count()
    }

    /// What there is no row of, or too many: a whole run has all rows that there are, each once.
    pub fn not_whole(&self) -> Vec<&'static str> {
        WORKLOADS
            .iter()
            .filter(|workload| {
                let rows = self.rows.iter().filter(|row| row.name == workload.name);
                rows.count() != workload.rows.len()
            })
            .map(|workload| workload.name)
            .collect()
    }

    /// Why things were not measured, each once: the rows of one workload fail together.
    fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self
            .rows
            .iter()
            .filter_map(|row| Some(format!("{}: {}", row.name, row.failure()?)))
            .collect();
        failures.dedup();
        failures
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
    /// Why it has no figure: one that was measured after all has not failed.
    fn failure(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| self.figure.is_none())
    }

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
    let with_bar = report.rows.iter().filter(|row| row.met == Some(false));
    let (measured, unmeasured): (Vec<_>, Vec<_>) = with_bar.partition(|row| row.figure.is_some());
    let bars = |count: usize| match count {
        1 => "1 bar".to_owned(),
        _ => format!("{count} bars"),
    };
    match (measured.len(), unmeasured.len()) {
        (0, 0) => "all bars met".into(),
        (missed, 0) => format!("{} missed", bars(missed)),
        (0, unmeasured) => format!("{} not measured", bars(unmeasured)),
        (missed, unmeasured) => format!("{} missed, {unmeasured} not measured", bars(missed)),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which some things failed and everything else took one of its units.
    fn run(failed: &[&str]) -> Report {
        let measured = |workload: &Workload| match failed.contains(&workload.name) {
            true => Err(anyhow::anyhow!("it broke")),
            false => Ok(vec![Figure {
                of: "psapi",
                value: 0.0,
            }]),
        };
        Report {
            machine: Machine::describe(),
            stage: Vec::new(),
            rows: WORKLOADS
                .iter()
                .flat_map(|workload| rows(workload, measured(workload)))
                .collect(),
        }
    }

    #[test]
    fn a_failure_is_told_once_and_only_of_what_has_no_figure() {
        let mut report = run(&["capture", "system-calls"]);
        let told = ["capture: it broke", "system-calls: it broke"];
        assert_eq!(report.failures(), told);
        // As if it had been measured afterwards.
        for row in &mut report.rows {
            row.figure = Some(1.0);
        }
        assert!(report.failures().is_empty());
        assert!(!markdown::show(&report).contains("Not measured"));
    }

    #[test]
    fn a_document_takes_whole_runs_only() {
        let document = tempfile::NamedTempFile::new().unwrap();
        let markers = "<!-- cargo xtask bench: begin -->\nold, with a remark¹\n<!-- cargo xtask bench: end -->";
        std::fs::write(document.path(), format!("before\n{markers}\nafter\n")).unwrap();
        let mut report = run(&["ids"]);
        assert!(report.not_whole().is_empty());
        markdown::replace(&report, document.path()).unwrap();
        let text = std::fs::read_to_string(document.path()).unwrap();
        assert!(text.starts_with("before\n") && text.ends_with("\nafter\n"));
        assert!(text.contains("Not measured: ids") && !text.contains("old"));

        report.rows.retain(|row| row.name != "modules");
        let refused = markdown::replace(&report, document.path()).unwrap_err();
        assert!(refused.to_string().contains("modules"), "{refused}");
        assert_eq!(std::fs::read_to_string(document.path()).unwrap(), text);
    }
}
