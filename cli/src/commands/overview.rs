//! `psapi` alone: the machine, and the processes with the largest working sets.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use anyhow::Result;
use psapi::{Capture, Fields, PerformanceInfo, ProcessStatus};

use super::perf;
use crate::clock;
use crate::columns::{self, ProcessColumn, ProcessRow, Progress};
use crate::explain;
use crate::output::{Column, Document, Format, Part, Shape, Value};
use crate::repeat::Repeat;
use crate::session::Session;
use crate::users::Users;

/// Options of the overview.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repeat: Repeat,
}

/// How many processes are shown where no terminal's height says it.
const PROCESSES: usize = 20;

/// The lines that everything but processes takes, the shell's next prompt included.
const OTHER_LINES: usize = 10;

/// From this width on, a line has room for a bar and still for a name.
const WIDE: usize = 100;

const COLUMNS: [&str; 10] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "swap", "time", "name",
];
/// The same where two samples are compared.
const COMPARED: [&str; 10] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "swap", "cpu", "name",
];

impl Args {
    /// Refuses the options where they were given before a subcommand.
    pub fn refuse_before_subcommand(&self) -> Result<()> {
        self.repeat.refuse_before_subcommand()
    }
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut capture = Capture::new(Fields::MEMORY | Fields::USER);
    let mut before = Capture::new(capture.fields());
    let mut before_at = None;
    let mut users = Users::default();
    let mut lacks_machine = false;
    args.repeat.run(|at| {
        // A proc file system may show processes and nothing of the machine.
        capture.refresh(&session.system)?;
        let info = match session.system.performance_info() {
            Ok(info) => Some(info),
            Err(error) => {
                if !std::mem::replace(&mut lacks_machine, true) {
                    session.report(error);
                }
                None
            }
        };
        let elapsed = at.zip(before_at).map(|(at, before)| at - before);
        before_at = at;
        let room = session
            .output
            .height()
            .map(|height| height.saturating_sub(OTHER_LINES));
        let largest = largest(
            capture.processes(),
            room.map_or(PROCESSES, |room| room.max(1)),
        );
        users.learn(largest.iter().copied());
        let working_set = |status: &&ProcessStatus| Some(status.memory?.working_set);
        let full_bar = largest.first().and_then(working_set).unwrap_or(0);
        let rows: Vec<ProcessRow<'_>> = largest
            .iter()
            .map(|status| ProcessRow {
                full_bar,
                progress: elapsed.and_then(|elapsed| {
                    Progress::between(before.process(status.id)?, status, elapsed)
                }),
                ..ProcessRow::new(status, users.of(status))
            })
            .collect();
        let all = columns::all();
        let mut columns = columns::by_keys(&all, if at.is_some() { &COMPARED } else { &COLUMNS });
        let format = session.output.format();
        let bar = columns::bar();
        let is_wide = session.output.width().is_none_or(|width| width >= WIDE);
        if format == Format::Table && is_wide {
            columns.insert(columns.len() - 1, &bar);
        }
        let mut document = session.output.document(at)?;
        match format {
            Format::Table => {
                if let Some(info) = &info {
                    write_machine(&mut document, info)?;
                }
                document.rows("processes", &columns, &rows)?;
            }
            Format::Json => {
                if let Some(info) = &info {
                    document.record("system", &perf::columns(), info)?;
                }
                document.rows("processes", &columns, &rows)?;
            }
            Format::Csv => write_csv(&mut document, info.as_ref(), &columns, &rows)?,
        }
        document.end()?;
        if at.is_none() {
            explain::refusals(
                &session.system,
                capture.fields(),
                capture.processes().iter(),
            );
            explain::missing(&session.system);
        }
        std::mem::swap(&mut capture, &mut before);
        Ok(true)
    })
}

fn largest(processes: &[ProcessStatus], count: usize) -> Vec<&ProcessStatus> {
    let working_set = |status: &ProcessStatus| status.memory.map(|memory| memory.working_set);
    let mut largest: Vec<_> = processes
        .iter()
        .filter(|status| working_set(status) != Some(0))
        .collect();
    largest.sort_by_key(|status| Reverse(working_set(status)));
    largest.truncate(count);
    largest
}

/// A kind of memory, as one line.
struct Kind {
    name: &'static str,
    in_use: u64,
    total: Option<u64>,
    /// What is not in use, but holds contents of files until somebody needs it.
    files: u64,
    note: String,
}

fn write_machine(document: &mut Document<'_>, info: &PerformanceInfo) -> Result<()> {
    let kinds = kinds(info, |bytes| document.size(bytes));
    document.rows(
        "memory",
        &[
            Column::new(("", "MEMORY", ""), Shape::Word, "", |kind: &Kind| {
                Value::Word(kind.name)
            }),
            Column::new(("", "IN USE", ""), Shape::Number, "", |kind| {
                Value::Bytes(kind.in_use)
            }),
            Column::new(("", "TOTAL", ""), Shape::Number, "", |kind: &Kind| {
                kind.total.map_or(Value::Word(""), Value::Bytes)
            }),
            Column::new(
                ("", "USED", ""),
                Shape::Number,
                "",
                |kind: &Kind| match kind.total {
                    None | Some(0) => Value::Word(""),
                    Some(total) => {
                        let percent = 100.0 * kind.in_use as f64 / total as f64;
                        Value::Text(Cow::Owned(format!("{percent:.0}%").into_bytes()))
                    }
                },
            ),
            Column::new(("", "", ""), Shape::Word, "", bar_of),
            Column::new(("", "", ""), Shape::Name, "", |kind: &Kind| {
                Value::Text(Cow::Borrowed(kind.note.as_bytes()))
            }),
        ],
        &kinds,
    )?;
    let open = info
        .handle_count
        .map(|count| format!(", {}", counted(count, "open file", "open files")));
    Ok(document.line(&format!(
        "{}, {}{}; up {}",
        counted(info.process_count, "process", "processes"),
        counted(info.thread_count, "thread", "threads"),
        open.unwrap_or_default(),
        up_time(clock::since_boot()),
    ))?)
}

fn bar_of(kind: &Kind) -> Value<'_> {
    let Some(total) = kind.total.filter(|&total| total > 0) else {
        return Value::Word("");
    };
    let share = |bytes: u64| bytes as f64 / total as f64;
    Value::Bar(vec![
        (Part::Private, share(kind.in_use)),
        (Part::Files, share(kind.files)),
        (Part::Free, 1.0),
    ])
}

fn kinds(info: &PerformanceInfo, size: impl Fn(u64) -> String) -> [Kind; 4] {
    [
        Kind {
            name: "physical",
            in_use: info.physical_total.saturating_sub(info.physical_available),
            total: Some(info.physical_total),
            files: info.physical_available.saturating_sub(info.physical_free),
            note: format!(
                "{} available; cache {}, shared {}",
                size(info.physical_available),
                size(info.system_cache),
                size(info.shared)
            ),
        },
        Kind {
            name: "commit",
            in_use: info.commit_total,
            total: Some(info.commit_limit),
            files: 0,
            note: String::new(),
        },
        Kind {
            name: "page files",
            in_use: info.swap_total.saturating_sub(info.swap_free),
            total: Some(info.swap_total),
            files: 0,
            note: match info.swap_total {
                0 => "none in use".to_owned(),
                _ => String::new(),
            },
        },
        Kind {
            name: "kernel",
            in_use: info.kernel_total,
            total: None,
            files: 0,
            note: format!(
                "paged {}, nonpaged {}",
                size(info.kernel_paged),
                size(info.kernel_nonpaged)
            ),
        },
    ]
}

/// A number of things: `1 process`, `2 processes`.
fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// How long the machine has been up: `3d 4h 5m`, `4h 5m`, `5m`.
fn up_time(up: Duration) -> String {
    let minutes = up.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}m"),
        (0, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h {minutes}m"),
    }
}

/// A figure of the machine, or of a process: two tables in one file would be no CSV.
struct Figure<'a> {
    pid: Value<'a>,
    field: &'static str,
    value: Value<'a>,
}

fn write_csv<'a>(
    document: &mut Document<'_>,
    info: Option<&PerformanceInfo>,
    columns: &[&ProcessColumn<'a>],
    rows: &[ProcessRow<'a>],
) -> Result<()> {
    let of_system = perf::columns();
    let of_system = of_system.iter().filter_map(|column| {
        Some(Figure {
            pid: Value::Unknown,
            field: column.field,
            value: (column.value)(info?),
        })
    });
    let of_processes = rows.iter().flat_map(|row| {
        columns.iter().map(|column| Figure {
            pid: Value::count(row.status.id.get()),
            field: column.column.field,
            value: (column.column.value)(row),
        })
    });
    let figures: Vec<Figure<'_>> = of_system
        .chain(of_processes.filter(|figure| figure.field != "pid"))
        .collect();
    let columns = [
        Column::new(("", "", "pid"), Shape::Number, "", |figure: &Figure<'_>| {
            figure.pid.clone()
        }),
        Column::new(("", "", "field"), Shape::Word, "", |figure| {
            Value::Word(figure.field)
        }),
        Column::new(("", "", "value"), Shape::Name, "", |figure| {
            figure.value.clone()
        }),
    ];
    Ok(document.rows("figures", &columns, &figures)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!(counted(0, "process", "processes"), "0 processes");
        assert_eq!(counted(1, "process", "processes"), "1 process");
        assert_eq!(counted(2, "process", "processes"), "2 processes");
    }
}
