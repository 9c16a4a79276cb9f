//! `--sort`: sorts rows by any columns.

use std::cmp::Ordering;

use crate::output::{Alignment, Column, Value};

/// A column to sort by.
#[derive(Debug, Clone)]
pub struct SortKey {
    pub key: String,
    pub descending: bool,
}

/// Parses `KEY`, `-KEY`, `KEY:asc` or `KEY:desc`.
pub fn parse(text: &str) -> Result<SortKey, String> {
    let (key, descending) = match text.strip_prefix('-') {
        Some(key) => (key, true),
        None => match text.split_once(':') {
            Some((key, "desc")) => (key, true),
            Some((key, "asc")) => (key, false),
            Some(_) => return Err("the order must be asc or desc".to_owned()),
            None => (text, false),
        },
    };
    Ok(SortKey {
        key: key.to_owned(),
        descending,
    })
}

impl SortKey {
    /// Returns a key that sorts by a column in descending order.
    pub fn descending(key: &str) -> Self {
        SortKey {
            key: key.to_owned(),
            descending: true,
        }
    }
}

/// Returns the keys that select a figure of a listing.
pub fn keys<Row>(columns: &[Column<Row>]) -> Vec<&'static str> {
    let is_figure = |column: &&Column<Row>| {
        column.alignment == Alignment::Number && !column.field.is_empty() && column.key != "pid"
    };
    let figures = columns.iter().filter(is_figure);
    figures.map(|column| column.key).collect()
}

/// Returns the columns with some keys, and whether each sorts in descending order.
pub fn columns<'c, Row>(keys: &[SortKey], all: &'c [Column<Row>]) -> Vec<(&'c Column<Row>, bool)> {
    let column = |key: &SortKey| {
        let mut columns = all.iter();
        let is_called = |column: &&Column<Row>| !column.field.is_empty() && column.key == key.key;
        Some((columns.find(is_called)?, key.descending))
    };
    keys.iter().filter_map(column).collect()
}

/// Makes the columns with some keys the last that a table leaves out.
pub fn keep<Row>(keys: &[SortKey], columns: &mut [Column<Row>]) {
    for column in columns {
        if keys.iter().any(|key| column.is_called(&key.key)) {
            column.keep();
        }
    }
}

/// Sorts rows by columns, each ascending or, if its flag is set, descending. The sort is stable.
pub fn sort<Row>(by: &[(&Column<Row>, bool)], rows: &mut Vec<Row>) {
    if by.is_empty() {
        return;
    }
    // Sorts indices rather than rows, so that each value is computed once.
    let order = {
        let values: Vec<Vec<Value<'_>>> = rows
            .iter()
            .map(|row| by.iter().map(|(column, _)| (column.value)(row)).collect())
            .collect();
        let compare = |&a: &usize, &b: &usize| {
            by.iter()
                .enumerate()
                .map(|(at, &(_, descending))| order(&values[a][at], &values[b][at], descending))
                .find(|ordering| ordering.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(compare);
        order
    };
    let mut unsorted: Vec<Option<Row>> = rows.drain(..).map(Some).collect();
    rows.extend(order.into_iter().filter_map(|at| unsorted[at].take()));
}

/// Compares two values; missing values come last in either order.
fn order(a: &Value<'_>, b: &Value<'_>, descending: bool) -> Ordering {
    match (a.is_missing(), b.is_missing()) {
        (false, false) if descending => b.order(a),
        (false, false) => a.order(b),
        (a, b) => a.cmp(&b),
    }
}
