//! For people, on a terminal.

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::{HEADINGS, Report, verdict};

pub fn show(report: &Report) -> String {
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
    let failures: String = report
        .failures()
        .iter()
        .map(|failure| format!("{failure}\n"))
        .collect();
    format!(
        "{}\n{}\n\n{table}\n{failures}{}\n",
        report.machine,
        report.stage.join("; "),
        verdict(report)
    )
}
