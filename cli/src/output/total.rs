//! The total of a listing: the sums of some columns.

use super::column::{Alignment, Column};
use super::value::Value;

/// The sums of some columns of a listing.
#[derive(Debug)]
pub struct Total {
    /// The field of each summed column, and its sum.
    pub(super) figures: Vec<(&'static str, Value<'static>)>,
}

impl Total {
    /// Sums columns of sizes. A sum is unknown if one of its values could not be read. Rows without
    /// such a value do not count: for example, kernel threads have no memory. Returns `None` if
    /// there are no columns, or too few rows for a sum.
    pub fn of<'c, Row: 'c>(
        columns: impl IntoIterator<Item = &'c Column<Row>>,
        rows: &[Row],
    ) -> Option<Self> {
        let sum = |column: &Column<Row>| {
            rows.iter()
                .try_fold(0_u64, |sum, row| match (column.value)(row) {
                    Value::Bytes(bytes) => Some(sum.saturating_add(bytes)),
                    Value::Refused => None,
                    _ => Some(sum),
                })
        };
        let figures: Vec<_> = columns
            .into_iter()
            .map(|column| (column.field, Value::bytes(sum(column))))
            .collect();
        (rows.len() > 1 && !figures.is_empty()).then_some(Total { figures })
    }

    /// Returns a cell for each column: its sum, or an empty cell. The last column of names that has
    /// no sum contains the word `total`.
    pub(super) fn of_columns<Row>(
        &self,
        columns: &[impl AsRef<Column<Row>>],
    ) -> Vec<Value<'static>> {
        let columns = || columns.iter().map(AsRef::as_ref);
        let label = columns()
            .rposition(|column| column.alignment == Alignment::Name)
            .or_else(|| columns().position(|column| self.sum(column).is_none()));
        let cell = |(at, column): (usize, &Column<Row>)| match self.sum(column) {
            Some(sum) => sum.clone(),
            None if Some(at) == label => Value::Word("total"),
            None => Value::Word(""),
        };
        columns().enumerate().map(cell).collect()
    }

    fn sum<Row>(&self, column: &Column<Row>) -> Option<&Value<'static>> {
        let mut figures = self.figures.iter();
        figures
            .find(|(field, _)| *field == column.field)
            .map(|(_, sum)| sum)
    }
}
