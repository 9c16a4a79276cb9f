//! A column of a listing, said once: a table, JSON and CSV come of it.

use super::value::Value;

/// One column over rows of a kind.
#[derive(Debug)]
pub struct Column<Row> {
    /// What a person types to choose it.
    pub key: &'static str,
    /// The heading in a table.
    pub title: &'static str,
    /// The name in JSON and CSV, unit included; stable.
    pub field: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    pub shape: Shape,
    /// Whether a table has it when nobody chose columns. JSON and CSV have every column then.
    pub in_table: bool,
    pub value: for<'r> fn(&'r Row) -> Value<'r>,
}

/// How a table lays a column out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// To the right, never cut.
    Number,
    /// To the left, never cut.
    Word,
    /// To the left; cut at its end where the terminal is narrow.
    Name,
    /// To the left; cut at its start, since a path's end says most.
    Path,
}

impl<Row> AsRef<Column<Row>> for Column<Row> {
    fn as_ref(&self) -> &Column<Row> {
        self
    }
}

impl<Row> Column<Row> {
    pub const fn new(
        (key, title, field): (&'static str, &'static str, &'static str),
        shape: Shape,
        about: &'static str,
        value: for<'r> fn(&'r Row) -> Value<'r>,
    ) -> Self {
        Column {
            key,
            title,
            field,
            about,
            shape,
            in_table: true,
            value,
        }
    }

    /// Leaves it out of tables where it would tell nothing, or was not asked for.
    pub const fn in_table_if(mut self, shown: bool) -> Self {
        self.in_table = shown;
        self
    }

    /// The field's words without the unit, as a label beside a single figure.
    pub fn label(&self) -> String {
        let plain = ["_bytes", "_seconds"]
            .iter()
            .find_map(|unit| self.field.strip_suffix(unit))
            .unwrap_or(self.field);
        plain.replace('_', " ")
    }
}
