//! For people, on a terminal.

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::{HEADINGS, Report};

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
        .rows
        .iter()
        .filter_map(|row| Some(format!("{}: {}\n", row.name, row.failure.as_ref()?)))
        .collect();
    let missed = match report.missed() {
        0 => "all bars met".into(),
        1 => "1 bar missed".into(),
        missed => format!("{missed} bars missed"),
    };
    format!(
        "{}\n{}\n\n{table}\n{failures}{missed}\n",
        report.machine,
        report.stage.join("; ")
    )
}
