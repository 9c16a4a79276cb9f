//! A column of a listing. It is declared once, in a [`columns!`] table; tables, JSON and CSV are
//! all written from it.

use super::value::Value;
use crate::sys::texts;

/// The field with the time of a repeated sample, before all columns.
pub(super) const SAMPLE_FIELD: &str = "sample_seconds_since_boot";

/// A column of a listing whose rows have the type `Row`.
#[derive(Debug)]
pub struct Column<Row> {
    /// The name that selects the column on the command line.
    pub key: &'static str,
    /// Other accepted names, mostly those that `ps` uses.
    pub aliases: &'static [&'static str],
    /// The heading in a table.
    pub title: &'static str,
    /// The name in JSON and CSV, unit included; stable. Empty for a column that only tables have.
    pub field: &'static str,
    /// A description in a few words.
    pub about: &'static str,
    pub alignment: Alignment,
    /// A table without room for all columns leaves out those with the lowest priority.
    pub priority: u8,
    /// Whether tables have the column by default. JSON and CSV have every column with a field.
    pub in_table: bool,
    pub value: for<'r> fn(&'r Row) -> Value<'r>,
}

/// The priority of a column that declares none.
pub(crate) const DEFAULT_PRIORITY: u8 = 5;

/// How a table aligns a column, and whether it shortens the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// Right, never shortened.
    Number,
    /// Left, never shortened.
    Word,
    /// Left; shortened at the end if the terminal is narrow.
    Name,
    /// Left; shortened at the start, because the end of a path identifies it.
    Path,
    /// Left; shortened at the end, but not as far as a name: a few words of a text say nothing.
    Text,
}

impl Alignment {
    /// Returns the width to which cells can be shortened; `None` if they are never shortened.
    pub(super) fn least_width(self) -> Option<usize> {
        match self {
            Alignment::Number | Alignment::Word => None,
            Alignment::Name => Some(10),
            Alignment::Path => Some(14),
            Alignment::Text => Some(20),
        }
    }
}

/// Returns a `Vec` of columns from a table with one line per column:
///
/// ```text
/// columns! { row: Row;
///     "key" | "alias" "TITLE" "field_bytes" Number: Value::Bytes(row.size), "about it", priority 7, if shown;
/// }
/// ```
///
/// Aliases, the description, the priority and the condition can be omitted. The description is a
/// literal or an expression in parentheses; the condition decides whether tables have the column.
/// If only one name is given, it is key, title and field.
macro_rules! columns {
    ($row:ident: $Row:ty; $(
        $key:literal $(| $alias:literal)* $($title:literal $field:literal)? $alignment:ident: $value:expr
        $(, $about:literal)? $(, ($computed:expr))? $(, priority $priority:literal)? $(, if $shown:expr)?;
    )*) => {
        // `[$($given,)? default][0]` is the given value if there is one, and the default otherwise.
        $crate::output::of_system(vec![$($crate::output::Column::<$Row> {
            key: $key,
            aliases: &[$($alias),*],
            title: [$($title,)? $key][0],
            field: [$($field,)? $key][0],
            about: [$($about,)? $($computed,)? ""][0],
            alignment: $crate::output::Alignment::$alignment,
            priority: [$($priority,)? $crate::output::DEFAULT_PRIORITY][0],
            in_table: [$($shown,)? true][0],
            value: |$row| $value,
        }),*])
    };
}
pub(crate) use columns;

/// Removes the columns that the system cannot fill, and describes the others as the system has them.
pub(crate) fn of_system<Row>(mut columns: Vec<Column<Row>>) -> Vec<Column<Row>> {
    columns.retain(|column| !texts::ABSENT_COLUMNS.contains(&(column.key, column.field)));
    let text = |texts: &[(&str, &'static str)], field| {
        let mut texts = texts.iter();
        texts.find(|(of, _)| *of == field).map(|&(_, text)| text)
    };
    for column in &mut columns {
        column.title = text(texts::TITLES, column.field).unwrap_or(column.title);
        column.about = text(texts::ABOUT, column.field).unwrap_or(column.about);
    }
    columns
}

impl<Row> AsRef<Column<Row>> for Column<Row> {
    fn as_ref(&self) -> &Column<Row> {
        self
    }
}

impl<Row> Column<Row> {
    /// Returns true if `key` selects this column.
    pub fn is_called(&self, key: &str) -> bool {
        self.key == key || self.aliases.contains(&key)
    }

    /// Makes the column the last that a table leaves out.
    pub fn keep(&mut self) {
        self.priority = u8::MAX;
    }

    /// Returns the label of the column in a list of single figures: the field without its unit,
    /// with spaces.
    pub fn label(&self) -> String {
        let plain = ["_bytes", "_seconds"]
            .iter()
            .find_map(|unit| self.field.strip_suffix(unit))
            .unwrap_or(self.field);
        plain.replace('_', " ")
    }
}

/// Hides columns in tables if the value is missing or zero in every row.
pub fn hide_empty<Row>(columns: &mut [Column<Row>], rows: &[Row]) {
    for column in columns {
        let has_value = |row: &Row| match (column.value)(row) {
            Value::Bytes(bytes) => bytes > 0,
            Value::Sizes(sizes) => !sizes.is_empty(),
            value => !value.is_missing(),
        };
        column.in_table &= rows.iter().any(has_value);
    }
}
