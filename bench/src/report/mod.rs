//! The results of a run, and their formats: one file for each.

pub mod json;
pub mod markdown;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::measure::Figure;
use crate::targets::{Target, Unit, WORKLOADS, Workload};

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    /// Descriptions of the fixtures in use.
    pub fixtures: Vec<String>,
    pub rows: Vec<ReportRow>,
}

/// A row of the table with its results.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportRow {
    pub name: String,
    pub description: String,
    pub unit: Unit,
    /// Seconds, bytes, or a count; `None` if the measurement failed.
    pub figure: Option<f64>,
    pub baseline: Option<String>,
    pub baseline_figure: Option<f64>,
    pub ratio: Option<f64>,
    pub target: Target,
    /// Whether the target is met; `None` without a target. A failed measurement does not meet its
    /// target.
    pub met: Option<bool>,
    /// A property of the machine on which the ratio depends, with its measured value.
    pub cause: Option<String>,
    /// The error of a failed measurement.
    pub failure: Option<String>,
}

impl Report {
    /// Returns the number of rows that miss their target, including failed measurements.
    pub fn missed(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| row.met == Some(false))
            .count()
    }

    /// Returns the workloads whose rows are missing or duplicated. A complete run has every row
    /// once.
    pub fn missing_workloads(&self) -> Vec<&'static str> {
        WORKLOADS
            .iter()
            .filter(|workload| {
                let rows = self.rows.iter().filter(|row| row.name == workload.name);
                rows.count() != workload.rows.len()
            })
            .map(|workload| workload.name)
            .collect()
    }

    /// Returns the measured causes of ratios that depend on the machine.
    fn causes(&self) -> impl Iterator<Item = String> {
        self.rows
            .iter()
            .filter_map(|row| Some(format!("{}: {}", row.name, row.cause.as_ref()?)))
    }

    /// Returns the errors of failed measurements, once for all rows of a workload.
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

/// Returns the rows of one workload.
pub fn rows(workload: &Workload, measured: anyhow::Result<Vec<Figure>>) -> Vec<ReportRow> {
    let (figures, failure) = match measured {
        Ok(figures) => (figures, None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };
    let value_of = |name: &str| {
        let figure = figures.iter().find(|figure| figure.name == name)?;
        Some(figure.value)
    };
    let figure = value_of("psapi");
    let row = |row: &crate::targets::Row| {
        let baseline = row.baseline.as_ref();
        let baseline_figure = baseline.and_then(|baseline| value_of(baseline.candidate));
        let ratio = figure
            .zip(baseline_figure)
            .map(|(figure, baseline)| figure / baseline);
        let met = match row.target {
            Target::Times(most) => Some(ratio.is_some_and(|ratio| ratio <= most)),
            Target::AtMost(most) => Some(figure.is_some_and(|figure| figure <= most)),
            Target::None => None,
        };
        let cause = row.cause.and_then(|cause| {
            let value = value_of(cause.figure)?;
            Some(format!("{} {}", cause.label, cause.unit.format(value)))
        });
        ReportRow {
            name: workload.name.into(),
            description: workload.description.into(),
            unit: workload.unit,
            figure,
            baseline: baseline.map(|baseline| baseline.label.into()),
            baseline_figure,
            ratio,
            target: row.target,
            met,
            cause,
            failure: failure.clone(),
        }
    };
    workload.rows.iter().map(row).collect()
}

impl ReportRow {
    /// Returns the error if the row has no figure.
    fn failure(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| self.figure.is_none())
    }

    /// Formats the cells; see [`HEADINGS`].
    fn cells(&self) -> [String; 7] {
        let figure =
            |value: Option<f64>| value.map_or("–".into(), |value| self.unit.format(value));
        [
            self.description.clone(),
            figure(self.figure),
            self.baseline.clone().unwrap_or_else(|| "–".into()),
            figure(self.baseline_figure),
            self.ratio.map_or("–".into(), |ratio| format!("{ratio:.2}")),
            match self.target {
                Target::Times(most) => format!("≤ {most} ×"),
                Target::AtMost(most) => format!("≤ {}", self.unit.format(most)),
                Target::None => "–".into(),
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

/// Summarizes how many targets were met.
fn verdict(report: &Report) -> String {
    let missed = report.rows.iter().filter(|row| row.met == Some(false));
    let (measured, unmeasured): (Vec<_>, Vec<_>) = missed.partition(|row| row.figure.is_some());
    let targets = |count: usize| match count {
        1 => "1 target".to_owned(),
        _ => format!("{count} targets"),
    };
    match (measured.len(), unmeasured.len()) {
        (0, 0) => "all targets met".into(),
        (missed, 0) => format!("{} missed", targets(missed)),
        (0, unmeasured) => format!("{} not measured", targets(unmeasured)),
        (missed, unmeasured) => format!("{} missed, {unmeasured} not measured", targets(missed)),
    }
}

const HEADINGS: [&str; 7] = [
    "workload",
    "psapi",
    "baseline",
    "its figure",
    "ratio",
    "target",
    "result",
];

impl Unit {
    fn format(self, value: f64) -> String {
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

    /// A run in which some workloads failed and all others have the figure 0.
    fn run(failed: &[&str]) -> Report {
        let measured = |workload: &Workload| {
            if failed.contains(&workload.name) {
                Err(anyhow::anyhow!("an error"))
            } else {
                Ok(Figure::of_psapi(0.0))
            }
        };
        Report {
            machine: Machine::describe(),
            fixtures: Vec::new(),
            rows: WORKLOADS
                .iter()
                .flat_map(|workload| rows(workload, measured(workload)))
                .collect(),
        }
    }

    #[test]
    fn failure_is_reported_once() {
        let mut report = run(&["capture", "system-calls"]);
        let expected = ["capture: an error", "system-calls: an error"];
        assert_eq!(report.failures(), expected);
        // A row with a figure has not failed.
        for row in &mut report.rows {
            row.figure = Some(1.0);
        }
        assert!(report.failures().is_empty());
        assert!(!markdown::format(&report).contains("Not measured"));
    }

    #[test]
    fn document_takes_only_complete_runs() {
        let document = tempfile::NamedTempFile::new().unwrap();
        let markers = "<!-- cargo xtask bench: begin -->\nold¹\n<!-- cargo xtask bench: end -->";
        std::fs::write(document.path(), format!("before\n{markers}\nafter\n")).unwrap();
        let mut report = run(&["ids"]);
        assert!(report.missing_workloads().is_empty());
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
