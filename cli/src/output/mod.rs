//! Output: the one seam between what a subcommand knows and how it is shown. A subcommand says
//! its [`Column`]s once; a table, JSON and CSV come of it.

mod bar;
mod column;
mod csv;
mod escape;
mod file;
mod json;
mod sink;
mod size;
mod style;
mod table;
mod value;

use std::io::{self, BufWriter, Write};
use std::time::Duration;

pub use column::{Column, Shape};
pub use escape::printable;
pub use file::write_file;
pub use sink::Sink;
pub use size::{human_size, round_size};
pub use value::{Part, Value};

use crate::clock::Clock;
use style::Style;
use table::Look;
use value::seconds;

/// The field that tells when a repeated sample was taken.
const SAMPLE_FIELD: &str = "sample_seconds_since_boot";

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Csv,
}

/// What the options say about output.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub format: Format,
    pub exact_bytes: bool,
    pub width: Option<usize>,
}

/// Standard output, or what takes its place, in the format that was asked for.
#[derive(Debug)]
pub struct Output {
    out: BufWriter<Sink>,
    options: Options,
    style: Style,
    terminal: Option<Terminal>,
    clock: Clock,
    /// Whether CSV has its header, and tables need a blank line between them.
    begun: bool,
}

/// The size of the terminal that is written to.
#[derive(Debug, Clone, Copy)]
struct Terminal {
    width: usize,
    height: usize,
}

impl Output {
    pub fn new(options: Options) -> Self {
        let sink = Sink::Stdout(io::stdout().lock());
        Output {
            options,
            style: sink.style(),
            terminal: sink.terminal(),
            out: BufWriter::with_capacity(64 * 1024, sink),
            clock: Clock::new(),
            begun: false,
        }
    }

    /// Goes on elsewhere.
    pub fn redirect(&mut self, sink: Sink) {
        self.style = sink.style();
        self.terminal = sink.terminal();
        self.out = BufWriter::with_capacity(64 * 1024, sink);
    }

    pub fn format(&self) -> Format {
        self.options.format
    }

    /// How many lines the terminal has, if it is one that is written to.
    pub fn height(&self) -> Option<usize> {
        self.terminal.map(|terminal| terminal.height)
    }

    /// How many columns a line may take, if anything limits it.
    pub fn width(&self) -> Option<usize> {
        self.options
            .width
            .or(self.terminal.map(|terminal| terminal.width))
    }

    /// The columns that are shown if nobody chose: in a table those made for it, elsewhere all.
    pub fn usual<'c, Row>(&self, columns: &'c [Column<Row>]) -> Vec<&'c Column<Row>> {
        columns
            .iter()
            .filter(|column| column.in_table || self.format() != Format::Table)
            .collect()
    }

    /// One answer, of one part or several. `at`: when it was taken, if it is one of many; a
    /// terminal then shows it in place of the one before.
    pub fn document(&mut self, at: Option<Duration>) -> io::Result<Document<'_>> {
        self.terminal = self.out.get_ref().terminal();
        match self.format() {
            Format::Json => {
                self.out.write_all(b"{")?;
                if let Some(at) = at {
                    write!(self.out, "\"{SAMPLE_FIELD}\":{}", seconds(at))?;
                }
            }
            Format::Table if at.is_some() && self.terminal.is_some() => {
                // Home, and clear what is below.
                self.out.write_all(b"\x1b[H\x1b[J")?;
                self.begun = false;
            }
            _ => {}
        }
        Ok(Document {
            first: at.is_none(),
            lines: 0,
            output: self,
            at,
        })
    }

    /// Raw text, such as a completion script.
    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)?;
        self.out.flush()
    }
}

/// An answer being written.
#[derive(Debug)]
pub struct Document<'o> {
    output: &'o mut Output,
    at: Option<Duration>,
    /// Whether the JSON object is still empty.
    first: bool,
    /// How many lines of a table are written.
    lines: usize,
}

impl Document<'_> {
    /// A list of rows.
    pub fn rows<Row>(
        &mut self,
        noun: &str,
        columns: &[impl AsRef<Column<Row>>],
        rows: &[Row],
    ) -> io::Result<()> {
        match self.output.format() {
            Format::Table => {
                self.separate()?;
                let rows = self.fitting(rows, 2);
                self.lines += 1 + rows.len();
                let (out, look) = self.output.look();
                table::write(out, &look, columns, rows)
            }
            Format::Json => {
                self.key(noun)?;
                let out = &mut self.output.out;
                out.write_all(b"[")?;
                for (index, row) in rows.iter().enumerate() {
                    if index > 0 {
                        out.write_all(b",")?;
                    }
                    json::write_row(out, columns, row)?;
                }
                out.write_all(b"]")
            }
            Format::Csv => self.csv(columns, rows),
        }
    }

    /// A list that people need not see the heading of if it is empty.
    pub fn rows_if_any<Row>(
        &mut self,
        noun: &str,
        columns: &[impl AsRef<Column<Row>>],
        rows: &[Row],
    ) -> io::Result<()> {
        match self.output.format() {
            Format::Table if rows.is_empty() => Ok(()),
            _ => self.rows(noun, columns, rows),
        }
    }

    /// A single thing, which a table shows as a list of its figures.
    pub fn record<Row>(
        &mut self,
        noun: &str,
        columns: &[impl AsRef<Column<Row>>],
        row: &Row,
    ) -> io::Result<()> {
        match self.output.format() {
            Format::Table => {
                self.separate()?;
                // No heading: one line more than of a list.
                let columns = self.fitting(columns, 1);
                let (out, look) = self.output.look();
                table::write_record(out, &look, columns, row)
            }
            Format::Json => {
                self.key(noun)?;
                json::write_row(&mut self.output.out, columns, row)
            }
            Format::Csv => self.csv(columns, std::slice::from_ref(row)),
        }
    }

    /// A line for people only.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        if self.output.format() == Format::Table {
            self.separate()?;
            self.lines += 1;
            writeln!(self.output.out, "{text}")?;
        }
        Ok(())
    }

    /// A size within such a line.
    pub fn size(&self, bytes: u64) -> String {
        let mut text = String::new();
        if self.output.options.exact_bytes {
            size::push_decimal(&mut text, bytes);
        } else {
            size::push_human(&mut text, bytes);
        }
        text
    }

    /// Closes the answer and hands it on.
    pub fn end(self) -> io::Result<()> {
        if self.output.format() == Format::Json {
            self.output.out.write_all(b"}\n")?;
        }
        self.output.out.flush()
    }

    fn csv<Row>(&mut self, columns: &[impl AsRef<Column<Row>>], rows: &[Row]) -> io::Result<()> {
        let header = !std::mem::replace(&mut self.output.begun, true);
        csv::write(&mut self.output.out, header, self.at, columns, rows)
    }

    fn key(&mut self, noun: &str) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.first) {
            ""
        } else {
            ","
        };
        write!(self.output.out, "{comma}\"{noun}\":")
    }

    /// As many rows as have room on a terminal that shows one sample in the place of another,
    /// beside other lines: a heading, and the one that the cursor is on.
    fn fitting<'r, Row>(&self, rows: &'r [Row], others: usize) -> &'r [Row] {
        match (self.at, self.output.height()) {
            (Some(_), Some(height)) => {
                let room = height.saturating_sub(self.lines + others);
                &rows[..rows.len().min(room)]
            }
            _ => rows,
        }
    }

    fn separate(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.output.begun, true) {
            self.lines += 1;
            self.output.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl Output {
    fn look(&mut self) -> (&mut BufWriter<Sink>, Look<'_>) {
        let look = Look {
            exact_bytes: self.options.exact_bytes,
            width: self.width(),
            style: self.style,
            clock: &self.clock,
        };
        (&mut self.out, look)
    }
}
