//! Output in three formats. This is the only interface between the figures of a subcommand and
//! their presentation: a subcommand declares its [`Column`]s once, and tables, JSON and CSV are all
//! written from them.

mod bar;
mod column;
mod csv;
mod escape;
mod file;
mod json;
mod reason;
mod sink;
mod size;
mod style;
mod table;
mod total;
mod value;
mod wrap;

use std::io::{self, BufWriter, Write};
use std::time::Duration;

pub use column::{Alignment, Column, hide_empty};
pub(crate) use column::{DEFAULT_PRIORITY, columns, of_system};
pub use escape::printable;
pub use file::{Content, OutputFile, is_stdout};
pub use reason::os_reason;
pub use sink::Sink;
pub use size::{human_size, round_size};
pub use total::Total;
pub use value::{Part, Value};

use crate::clock::Clock;
use column::SAMPLE_FIELD;
use sink::Terminal;
use style::Style;
use table::TableStyle;
use value::seconds;

/// An output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Csv,
}

/// Options of the output.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub format: Format,
    pub exact_bytes: bool,
    pub width: Option<usize>,
}

/// Standard output, or the stream that replaces it, in the selected format.
#[derive(Debug)]
pub struct Output {
    out: BufWriter<Sink>,
    options: Options,
    style: Style,
    terminal: Option<Terminal>,
    clock: Clock,
    /// Whether anything was written. If so, CSV needs no header, and the next table needs a blank
    /// line before it.
    begun: bool,
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

    /// Sends further output to another stream.
    pub fn redirect(&mut self, sink: Sink) {
        self.style = sink.style();
        self.terminal = sink.terminal();
        self.out = BufWriter::with_capacity(64 * 1024, sink);
    }

    pub fn format(&self) -> Format {
        self.options.format
    }

    /// Returns the number of lines of the terminal; `None` if the output is not a terminal.
    pub fn height(&self) -> Option<usize> {
        self.terminal.map(|terminal| terminal.height)
    }

    /// Returns the maximum width of a line; `None` if nothing limits it.
    pub fn width(&self) -> Option<usize> {
        self.options
            .width
            .or(self.terminal.map(|terminal| terminal.width))
    }

    /// Returns the columns that the format shows by default: in tables those with `in_table`, in
    /// JSON and CSV those with a field.
    pub fn visible<'c, Row>(&self, columns: &'c [Column<Row>]) -> Vec<&'c Column<Row>> {
        let is_visible = |column: &&Column<Row>| match self.format() {
            Format::Table => column.in_table,
            Format::Json | Format::Csv => !column.field.is_empty(),
        };
        columns.iter().filter(is_visible).collect()
    }

    /// Begins a document of one or several parts. `at` is the time of the sample if samples are
    /// repeated. A terminal then shows each sample in place of the previous one, with the local
    /// time above its tables.
    pub fn document(&mut self, at: Option<Duration>) -> io::Result<Document<'_>> {
        self.terminal = self.out.get_ref().terminal();
        match self.format() {
            Format::Json => {
                self.out.write_all(b"{")?;
                if let Some(at) = at {
                    write!(self.out, "\"{SAMPLE_FIELD}\":{}", seconds(at))?;
                }
            }
            Format::Table => {
                if let Some(at) = at {
                    self.begin_sample(at)?;
                }
            }
            Format::Csv => {}
        }
        let has_time = at.is_some() && self.format() == Format::Table;
        Ok(Document {
            first: at.is_none(),
            lines: usize::from(has_time),
            left_out: Vec::new(),
            output: self,
            at,
        })
    }

    /// Writes the local time of a sample above its tables.
    fn begin_sample(&mut self, at: Duration) -> io::Result<()> {
        if self.terminal.is_some() {
            // Moves the cursor home and clears everything below it.
            self.out.write_all(b"\x1b[H\x1b[J")?;
        } else if self.begun {
            self.out.write_all(b"\n")?;
        }
        // The first table follows without a blank line.
        self.begun = false;
        writeln!(self.out, "{}", self.clock.moment(at))
    }

    /// Writes text without a format, such as a completion script.
    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)?;
        self.out.flush()
    }
}

/// A document being written.
#[derive(Debug)]
pub struct Document<'o> {
    output: &'o mut Output,
    at: Option<Duration>,
    /// Whether the JSON object is still empty.
    first: bool,
    /// The number of table lines written so far.
    lines: usize,
    left_out: Vec<&'static str>,
}

impl Document<'_> {
    /// Writes a list of rows.
    pub fn rows<Row>(
        &mut self,
        noun: &str,
        columns: &[impl AsRef<Column<Row>>],
        rows: &[Row],
    ) -> io::Result<()> {
        self.rows_and_total(noun, columns, rows, None)
    }

    /// Writes a list of rows and their total, which CSV omits: a table of rows has no place for it.
    pub fn rows_and_total<Row>(
        &mut self,
        noun: &str,
        columns: &[impl AsRef<Column<Row>>],
        rows: &[Row],
        total: Option<&Total>,
    ) -> io::Result<()> {
        match self.output.format() {
            Format::Table => {
                self.separate()?;
                let rows = self.fitting(rows, 2 + usize::from(total.is_some()));
                self.lines += 1 + rows.len();
                let total = total.map(|total| total.of_columns(columns));
                let (out, style) = self.output.styled();
                let left_out = table::write(out, &style, columns, rows, total.as_deref())?;
                self.left_out.extend(left_out);
                Ok(())
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
                out.write_all(b"]")?;
                if let Some(total) = total {
                    self.key("total")?;
                    json::write_figures(&mut self.output.out, &total.figures)?;
                }
                Ok(())
            }
            Format::Csv => self.csv(columns, rows),
        }
    }

    /// Returns true if the output is a table.
    pub fn is_table(&self) -> bool {
        self.output.format() == Format::Table
    }

    /// Like [`Output::visible`].
    pub fn visible<'c, Row>(&self, columns: &'c [Column<Row>]) -> Vec<&'c Column<Row>> {
        self.output.visible(columns)
    }

    /// Returns the titles of the table columns that were left out for lack of room.
    pub fn left_out(&self) -> &[&'static str] {
        &self.left_out
    }

    /// Writes a list of rows, but no heading in a table if the list is empty.
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

    /// Writes a single row; a table shows it as a list with one figure per line.
    pub fn record<Row>(
        &mut self,
        noun: &str,
        columns: &[impl AsRef<Column<Row>>],
        row: &Row,
    ) -> io::Result<()> {
        match self.output.format() {
            Format::Table => {
                self.separate()?;
                // Besides the figures, only the line with the cursor needs room.
                let columns = self.fitting(columns, 1);
                let (out, style) = self.output.styled();
                table::write_record(out, &style, columns, row)
            }
            Format::Json => {
                self.key(noun)?;
                json::write_row(&mut self.output.out, columns, row)
            }
            Format::Csv => self.csv(columns, std::slice::from_ref(row)),
        }
    }

    /// Writes a line of text, in tables only. It is continued on further lines if it is too long.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.paragraph(&[text])
    }

    /// Writes lines of text without a gap, in tables only.
    pub fn paragraph(&mut self, texts: &[impl AsRef<str>]) -> io::Result<()> {
        if self.output.format() == Format::Table && !texts.is_empty() {
            self.separate()?;
            for text in texts {
                for line in wrap::lines(text.as_ref(), self.output.width()) {
                    self.lines += 1;
                    writeln!(self.output.out, "{line}")?;
                }
            }
        }
        Ok(())
    }

    /// Ends the document and flushes the output.
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

    /// Limits the rows to the room on a terminal that shows repeated samples in place. `others` is
    /// the number of further lines needed: the heading, and the line with the cursor.
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
    fn styled(&mut self) -> (&mut BufWriter<Sink>, TableStyle<'_>) {
        let style = TableStyle {
            exact_bytes: self.options.exact_bytes,
            width: self.width(),
            text_style: self.style,
            clock: &self.clock,
        };
        (&mut self.out, style)
    }
}
