//! A report as a table for a terminal.

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::{HEADINGS, Report, verdict};

/// Formats a report.
pub fn format(report: &Report) -> String {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    table.load_style(presets::NOTHING.header_separator(line));
    table.set_header(HEADINGS);
    for column in [1, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in &report.rows {
        table.add_row(row.cells());
    }
    let notes: String = report
        .causes()
        .chain(report.failures())
        .map(|note| format!("{note}\n"))
        .collect();
    format!(
        "{}\n{}\n\n{table}\n{notes}{}\n",
        report.machine,
        report.fixtures.join("; "),
        verdict(report)
    )
}
