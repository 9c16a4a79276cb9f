//! `psapi ws`: which pages of processes are in memory.

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;

use anyhow::Result;
use psapi::{Fields, Mapping, PageTotals, Process, ProcessId, WorkingSet, WorkingSetOptions};

use super::maps;
use crate::cli::usage;
use crate::clock::Clock;
use crate::columns;
use crate::output::{Column, Format, Part, Shape, Value, printable};
use crate::picture::{AddressSpace, Files};
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi ws`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Mappings without a page in memory or in a page file in tables, too
    #[arg(long, short = 'a')]
    all: bool,
    #[command(flatten)]
    pictures: Files,
}

/// A mapping of a process, or all of them together, and how much of it is where.
struct Row {
    pid: ProcessId,
    /// `None`: all together.
    mapping: Option<Mapping>,
    totals: PageTotals,
    /// What fills a bar.
    full_bar: u64,
}

/// From this width on, a line has room for a bar and still for a name.
const WIDE: usize = 132;

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    args.pictures.check(session)?;
    let mut drawn = Vec::new();
    let hide_empty = session.output.format() == Format::Table && !args.all;
    let (rows, processes) = args.targets.rows(session, |process| {
        let mut options = WorkingSetOptions::new();
        if args.pictures.are_wanted() {
            options = options.with_private_share_counts();
        }
        let set = process.working_set_with(&options, |_| ControlFlow::Continue(()))?;
        if args.pictures.are_wanted() && drawn.len() < 2 {
            drawn.push(address_space(process, &set)?);
        }
        let shown = |totals: &PageTotals| !hide_empty || !totals.is_empty();
        let resident = |(_, totals): (_, PageTotals)| totals.resident;
        let full_bar = set.totals_by_mapping().map(resident).max().unwrap_or(0);
        let row = |mapping: Option<&Mapping>, totals| Row {
            pid: process.id(),
            mapping: mapping.cloned(),
            totals,
            full_bar,
        };
        let mappings = set.totals_by_mapping().filter(|(_, totals)| shown(totals));
        let mut rows: Vec<Row> = mappings
            .map(|(mapping, totals)| row(Some(mapping), totals))
            .collect();
        rows.push(row(None, set.totals()));
        Ok(rows)
    });
    if processes == 0 {
        return Ok(());
    }
    match &drawn[..] {
        [] => {}
        [space] => args.pictures.write(&space.scene(), session)?,
        _ => {
            return Err(usage(format_args!(
                "a picture is of one process; {processes} are meant"
            )));
        }
    }
    if !drawn.is_empty() && session.output.format() == Format::Table {
        return Ok(());
    }
    let is_wide = session.output.width().is_none_or(|width| width >= WIDE);
    let columns = ws_columns(processes > 1, is_wide);
    let mut columns = session.output.usual(&columns);
    if session.output.format() != Format::Table {
        // A drawing says nothing to a program.
        columns.retain(|column| !column.field.is_empty());
    }
    let mut document = session.output.document(None)?;
    document.rows("working_sets", &columns, &rows)?;
    Ok(document.end()?)
}

/// What a picture is drawn from.
fn address_space(process: &Process, set: &WorkingSet) -> psapi::Result<AddressSpace> {
    let name = process.status(Fields::STAT)?.name.unwrap_or_default();
    let title = format!("{} (pid {})", printable(name.as_bytes()), process.id());
    Ok(AddressSpace::new(set, title, Clock::new().now()))
}

fn ws_columns(several: bool, is_wide: bool) -> [Column<Row>; 13] {
    [
        column(("pid", "PID", "pid"), Shape::Number, "", |row| {
            Value::count(row.pid.get())
        })
        .in_table_if(several),
        column(
            ("start", "START", "start_address"),
            Shape::Number,
            "",
            |row| row.of_mapping(|mapping| Value::Address(mapping.start)),
        ),
        column(("size", "SIZE", "size_bytes"), Shape::Number, "", |row| {
            row.of_mapping(|mapping| Value::Bytes(mapping.size()))
        }),
        column(
            ("resident", "RESIDENT", "resident_bytes"),
            Shape::Number,
            "in RAM, pages of zeros left out",
            |row| Value::Bytes(row.totals.resident),
        ),
        column(
            ("private", "PRIVATE", "private_bytes"),
            Shape::Number,
            "of that, private pages",
            |row| Value::Bytes(row.totals.private),
        ),
        column(
            ("file", "FILE", "file_bytes"),
            Shape::Number,
            "of that, pages of files and of shared memory",
            |row| Value::Bytes(row.totals.file),
        ),
        column(
            ("huge", "HUGE", "huge_bytes"),
            Shape::Number,
            "of that, parts of huge pages",
            |row| columns::bytes(row.totals.huge),
        ),
        column(
            ("zero", "ZERO", "zero_bytes"),
            Shape::Number,
            "the page of zeros, which all share and no working set counts",
            |row| columns::bytes(row.totals.zero),
        ),
        column(
            ("swapped", "SWAPPED", "swapped_bytes"),
            Shape::Number,
            "in a page file",
            |row| Value::Bytes(row.totals.swapped),
        ),
        column(
            ("", "█ private ░ files, shared", ""),
            Shape::Word,
            "",
            |row| {
                let share = |bytes: u64| bytes as f64 / row.full_bar.max(1) as f64;
                match row.mapping {
                    Some(_) => Value::Bar(vec![
                        (Part::Private, share(row.totals.private)),
                        (Part::Files, share(row.totals.file)),
                    ]),
                    None => Value::Word(""),
                }
            },
        )
        .in_table_if(is_wide),
        column(
            ("permissions", "PERM", "permissions"),
            Shape::Word,
            "",
            |row| row.of_mapping(maps::permissions),
        ),
        column(("kind", "KIND", "kind"), Shape::Word, "", |row| {
            row.mapping
                .as_ref()
                .map_or(Value::Word("total"), maps::kind)
        }),
        column(("name", "NAME", "name"), Shape::Path, "", |row| {
            row.mapping.as_ref().map_or(Value::Word(""), maps::name)
        }),
    ]
}

impl Row {
    fn of_mapping<'r>(&'r self, value: fn(&'r Mapping) -> Value<'r>) -> Value<'r> {
        self.mapping.as_ref().map_or(Value::Unknown, value)
    }
}

fn column(
    names: (&'static str, &'static str, &'static str),
    shape: Shape,
    about: &'static str,
    value: for<'r> fn(&'r Row) -> Value<'r>,
) -> Column<Row> {
    Column::new(names, shape, about, value)
}
