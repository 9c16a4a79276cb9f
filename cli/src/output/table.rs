//! Tables for people, laid out by hand: two passes over one buffer, the second with the widths that
//! the first one found. Measured on 5,000 rows of 11 columns: 1 to 2 ms of CPU time. `comfy-table`, with
//! a string a cell, takes 28 to 50, and reading the processes themselves 65.

use std::io::{self, Write};

use super::bar::push_bar;
use super::column::{Column, Shape};
use super::escape::push_printable;
use super::size::{push_decimal, push_human, push_ratio, push_span};
use super::style::Style;
use super::value::Value;

/// How a table is to look.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Exact bytes in place of `12.3M`.
    pub exact_bytes: bool,
    /// The columns that a line may take.
    pub width: Option<usize>,
    pub style: Style,
    pub clock: &'a crate::clock::Clock,
}

/// Columns of a name never get narrower than this.
const NARROWEST: usize = 8;

/// Where nothing limits a line, other columns line up behind names of up to this length. Without an
/// end to it, one process with a megabyte of arguments would cost a megabyte of blanks in every row.
const LONGEST_PADDING: usize = 100;

/// The cells of a table, laid out.
#[derive(Debug, Default)]
struct Cells {
    text: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    end: usize,
    width: usize,
    dim: bool,
}

impl Cells {
    fn push(&mut self, value: &Value<'_>, look: &Look<'_>) {
        let start = self.text.len();
        let width = push_value(&mut self.text, value, look);
        self.cells.push(Cell {
            end: self.text.len(),
            width: width.unwrap_or(self.text.len() - start),
            dim: value.is_missing(),
        });
    }
}

/// Writes a heading and a line a row.
pub fn write<Row>(
    out: &mut impl Write,
    look: &Look<'_>,
    columns: &[impl AsRef<Column<Row>>],
    rows: &[Row],
) -> io::Result<()> {
    let columns: Vec<&Column<Row>> = columns.iter().map(AsRef::as_ref).collect();
    let mut cells = Cells::default();
    let mut widths: Vec<usize> = columns.iter().map(|column| title_width(column)).collect();
    for row in rows {
        for (column, width) in columns.iter().zip(&mut widths) {
            cells.push(&(column.value)(row), look);
            *width = (*width).max(cells.cells.last().map_or(0, |cell| cell.width));
        }
    }
    let gap = fit(&columns, &mut widths, look.width);

    let mut line = Line::new(look, gap);
    for (column, &width) in columns.iter().zip(&widths) {
        line.put(
            column.title,
            title_width(column),
            width,
            column.shape,
            Tone::Heading,
        );
    }
    line.end(out)?;
    let mut start = 0;
    for row in cells.cells.chunks(columns.len().max(1)) {
        for ((cell, column), &width) in row.iter().zip(&columns).zip(&widths) {
            let text = &cells.text[start..cell.end];
            start = cell.end;
            let tone = if cell.dim { Tone::Dim } else { Tone::Plain };
            line.put(text, cell.width, width, column.shape, tone);
        }
        line.end(out)?;
    }
    Ok(())
}

/// Writes one row as a list: label, figure, what it is.
pub fn write_record<Row>(
    out: &mut impl Write,
    look: &Look<'_>,
    columns: &[impl AsRef<Column<Row>>],
    row: &Row,
) -> io::Result<()> {
    let columns: Vec<&Column<Row>> = columns.iter().map(AsRef::as_ref).collect();
    let mut cells = Cells::default();
    for column in &columns {
        cells.push(&(column.value)(row), look);
    }
    let labels: Vec<String> = columns.iter().map(|column| column.label()).collect();
    let label_width = labels.iter().map(String::len).max().unwrap_or(0);
    // Names are as long as they like; figures line up.
    let width = columns
        .iter()
        .zip(&cells.cells)
        .filter(|(column, _)| column.shape == Shape::Number)
        .map(|(_, cell)| cell.width)
        .max()
        .unwrap_or(0);
    let mut line = Line::new(look, 2);
    let mut start = 0;
    for ((column, label), cell) in columns.iter().zip(&labels).zip(&cells.cells) {
        let text = &cells.text[start..cell.end];
        start = cell.end;
        let tone = if cell.dim { Tone::Dim } else { Tone::Plain };
        line.put(label, label.len(), label_width, Shape::Word, Tone::Heading);
        let room = look
            .width
            .unwrap_or(usize::MAX)
            .saturating_sub(label_width + 2);
        if column.shape == Shape::Number || cell.dim {
            line.put(text, cell.width, width, Shape::Number, tone);
            let room = room.saturating_sub(width + 2);
            if room >= NARROWEST {
                let length = column.about.len();
                line.put(
                    column.about,
                    length,
                    length.min(room),
                    Shape::Name,
                    Tone::Dim,
                );
            }
        } else {
            line.put(text, cell.width, cell.width.min(room), column.shape, tone);
        }
        line.end(out)?;
    }
    Ok(())
}

/// Makes the columns fit into a width: first the gaps narrow, then the widest names. Returns the
/// gap. What still does not fit runs over, since a figure must not be cut. Without a limit nothing is
/// cut, and a name that is too long to line up with runs over in its own row.
fn fit<Row>(columns: &[&Column<Row>], widths: &mut [usize], limit: Option<usize>) -> usize {
    let is_name = |column: &Column<Row>| matches!(column.shape, Shape::Name | Shape::Path);
    let Some(limit) = limit else {
        for (column, width) in columns.iter().zip(widths) {
            if is_name(column) {
                *width = (*width).min(LONGEST_PADDING);
            }
        }
        return 2;
    };
    let total = |widths: &[usize], gap: usize| {
        widths.iter().sum::<usize>() + gap * widths.len().saturating_sub(1)
    };
    if total(widths, 2) <= limit {
        return 2;
    }
    let mut excess = total(widths, 1).saturating_sub(limit);
    while excess > 0 {
        let widest = columns
            .iter()
            .zip(widths.iter_mut())
            .filter(|(column, _)| is_name(column))
            .map(|(column, width)| (title_width(column).max(NARROWEST), width))
            .filter(|(least, width)| **width > *least)
            .max_by_key(|(_, width)| **width);
        let Some((_, width)) = widest else { break };
        *width -= 1;
        excess -= 1;
    }
    1
}

fn title_width<Row>(column: &Column<Row>) -> usize {
    column.title.chars().count()
}

/// A line under construction; reused.
struct Line {
    text: String,
    style: Style,
    /// Whether a text that is wider than its column is cut.
    cuts: bool,
    gap: usize,
    /// Padding owed: written only if something follows, so that no line ends in blanks.
    owed: usize,
    first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Heading,
    Dim,
}

impl Line {
    fn new(look: &Look<'_>, gap: usize) -> Self {
        Line {
            text: String::new(),
            style: look.style,
            cuts: look.width.is_some(),
            gap,
            owed: 0,
            first: true,
        }
    }

    fn put(&mut self, text: &str, taken: usize, width: usize, shape: Shape, tone: Tone) {
        if !self.first {
            self.owed += self.gap;
        }
        self.first = false;
        let padding = width.saturating_sub(taken);
        if taken == 0 {
            self.owed += width;
            return;
        }
        if shape == Shape::Number {
            self.owed += padding;
        }
        for _ in 0..self.owed {
            self.text.push(' ');
        }
        self.owed = if shape == Shape::Number { 0 } else { padding };
        match tone {
            Tone::Plain => {}
            Tone::Heading => self.style.heading(&mut self.text),
            Tone::Dim => self.style.dim(&mut self.text),
        }
        if taken <= width || !self.cuts {
            self.text.push_str(text);
        } else {
            push_cut(&mut self.text, text, width, shape);
        }
        if tone != Tone::Plain {
            self.style.plain(&mut self.text);
        }
    }

    fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.text.push('\n');
        out.write_all(self.text.as_bytes())?;
        self.text.clear();
        self.owed = 0;
        self.first = true;
        Ok(())
    }
}

/// Appends as much of a text as has room beside a `…`: a path's end, anything else's start.
fn push_cut(line: &mut String, text: &str, width: usize, shape: Shape) {
    use unicode_width::UnicodeWidthChar;
    let mut room = width.saturating_sub(1);
    let mut fits = |character: char| {
        let width = character.width().unwrap_or(0);
        let fits = width <= room;
        room = if fits { room - width } else { 0 };
        fits
    };
    let mut padding = 0;
    if shape == Shape::Path {
        let start = text
            .char_indices()
            .rev()
            .take_while(|&(_, character)| fits(character))
            .last()
            .map_or(text.len(), |(at, _)| at);
        line.push('…');
        line.push_str(&text[start..]);
    } else {
        let end = text
            .char_indices()
            .find(|&(_, character)| !fits(character))
            .map_or(text.len(), |(at, _)| at);
        line.push_str(&text[..end]);
        line.push('…');
    }
    // Half of a wide character is a blank.
    padding += room;
    line.extend(std::iter::repeat_n(' ', padding));
}

/// Appends a value as a person reads it; returns its width unless that is its length.
fn push_value(text: &mut String, value: &Value<'_>, look: &Look<'_>) -> Option<usize> {
    use std::fmt::Write as _;
    match value {
        Value::Unknown | Value::Refused => text.push('-'),
        Value::Count(number) => push_decimal(text, *number),
        Value::Bytes(bytes) => push_size(text, *bytes, look),
        Value::Growth(growth) => {
            match growth.signum() {
                -1 => text.push('-'),
                1 => text.push('+'),
                _ => {}
            }
            push_size(text, growth.unsigned_abs(), look);
        }
        Value::Sizes(sizes) => {
            let start = text.len();
            for (of, bytes) in sizes {
                if text.len() > start {
                    text.push_str("  ");
                }
                text.push_str(of);
                text.push(' ');
                push_size(text, *bytes, look);
            }
            return Some(text[start..].chars().count());
        }
        // Writing to a String can't fail.
        Value::Signed(number) => drop(write!(text, "{number}")),
        Value::Address(address) | Value::Offset(address) => drop(write!(text, "{address:#x}")),
        Value::Seconds(span) => push_span(text, *span),
        Value::Moment(since_boot) => text.push_str(&look.clock.local(*since_boot)),
        Value::Ratio(ratio) => push_ratio(text, *ratio),
        Value::Flag(flag) => text.push_str(if *flag { "yes" } else { "no" }),
        Value::Word(word) => text.push_str(word),
        Value::Words(words) => text.push_str(&words.join(" ")),
        Value::Letter(letter) => {
            return Some(push_printable(
                text,
                letter.encode_utf8(&mut [0; 4]).as_bytes(),
            ));
        }
        Value::Bar(parts) => return Some(push_bar(text, parts, look.style)),
        Value::Names(names) => return Some(push_printable(text, &names.join(&b' '))),
        Value::Text(bytes) => return Some(push_printable(text, bytes)),
        Value::Process {
            name,
            kernel,
            branch,
        } => {
            text.push_str(branch);
            let mut width = branch.chars().count();
            if *kernel {
                text.push('[');
            }
            width += push_printable(text, name);
            if *kernel {
                text.push(']');
            }
            return Some(width + 2 * usize::from(*kernel));
        }
    }
    None
}

fn push_size(text: &mut String, bytes: u64, look: &Look<'_>) {
    match look.exact_bytes {
        true => push_decimal(text, bytes),
        false => push_human(text, bytes),
    }
}
