//! `--sort`: by any column.

use std::cmp::Ordering;

use crate::output::{Column, Value};

/// A column to sort by.
#[derive(Debug, Clone)]
pub struct SortKey {
    pub key: String,
    pub descending: bool,
}

/// `KEY`, `-KEY` or `KEY:desc`, of a column that there is; where there is none, `columns` says
/// which there are.
pub fn parse(
    text: &str,
    is_column: impl FnOnce(&str) -> bool,
    columns: impl FnOnce() -> String,
) -> Result<SortKey, String> {
    let (key, descending) = match text.strip_prefix('-') {
        Some(key) => (key, true),
        None => match text.split_once(':') {
            Some((key, "desc")) => (key, true),
            Some((key, "asc")) => (key, false),
            Some(_) => return Err("the order is asc or desc".to_owned()),
            None => (text, false),
        },
    };
    if !is_column(key) {
        return Err(format!("no such column; {}", columns()));
    }
    Ok(SortKey {
        key: key.to_owned(),
        descending,
    })
}

impl SortKey {
    /// The largest of a column first.
    pub fn largest(key: &str) -> Self {
        SortKey {
            key: key.to_owned(),
            descending: true,
        }
    }
}

/// Sorts rows by columns, the largest first where it says so; equal ones stay in the order that
/// they are in.
pub fn sort<Row>(by: &[(&Column<Row>, bool)], rows: &mut Vec<Row>) {
    if by.is_empty() {
        return;
    }
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

/// Rows without a value come last, whichever way.
fn order(a: &Value<'_>, b: &Value<'_>, descending: bool) -> Ordering {
    match (a.is_missing(), b.is_missing()) {
        (false, false) if descending => b.order(a),
        (false, false) => a.order(b),
        (a, b) => a.cmp(&b),
    }
}
