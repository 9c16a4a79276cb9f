//! `psapi` without a subcommand, or `psapi overview`: the memory of the machine, and the processes
//! with the largest working sets.

use std::cmp::Reverse;
use std::time::Duration;

use anyhow::Result;
use psapi::{Capture, Fields, PerformanceInfo, ProcessStatus, System};

use super::system;
use crate::columns::{self, ProcessColumn, ProcessRow, Rates};
use crate::diagnostics;
use crate::output::{Document, Format, Part, Value, columns};
use crate::repeat::Repeat;
use crate::session::Session;
use crate::sys::{self, texts};
use crate::target::Pin;

/// Options of the overview.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repeat: Repeat,
}

/// The number of processes shown if the output is not a terminal.
const PROCESSES: usize = 20;

/// The lines of the screen that are not processes, including the next shell prompt.
const OTHER_LINES: usize = 10;

const COLUMNS: [&str; 10] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "swap", "time", "name",
];
/// The columns if two samples are compared.
const COMPARED: [&str; 10] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "swap", "cpu", "name",
];

impl Args {
    /// Returns an error if options of the overview were given before a subcommand.
    pub fn refuse_before_subcommand(&self) -> Result<()> {
        self.repeat.refuse_before_subcommand()
    }
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut capture = Capture::new(Fields::MEMORY | Fields::USER);
    let mut before = Capture::new(capture.fields());
    let mut before_at = None;
    let mut machine_reported = false;
    args.repeat.run(|at| {
        // A proc file system mounted with subset=pid has processes, but no figures of the machine.
        capture.refresh(&session.system)?;
        let info = match session.system.performance_info() {
            Ok(info) => Some(info),
            Err(error) => {
                if !std::mem::replace(&mut machine_reported, true) {
                    session.report_error(error);
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
        let count = room.map_or(PROCESSES, |room| room.max(1));
        let largest = largest(capture.processes(), count).into_iter();
        let largest: Vec<ProcessStatus> = largest
            .map(|status| with_command_line(status, &session.system))
            .collect();
        session.users.look_up(largest.iter());
        let working_set = |status: &ProcessStatus| Some(status.memory?.working_set);
        let full_bar = largest.first().and_then(working_set).unwrap_or(0);
        let rows: Vec<ProcessRow<'_>> = largest
            .iter()
            .map(|status| ProcessRow {
                full_bar,
                rates: elapsed.and_then(|elapsed| {
                    Rates::between(before.process(status.id)?, status, elapsed)
                }),
                ..ProcessRow::new(status, session.users.of(status))
            })
            .collect();
        let all = columns::all();
        let mut columns = columns::by_keys(&all, if at.is_some() { &COMPARED } else { &COLUMNS });
        let format = session.output.format();
        let bar = columns::bar();
        if format == Format::Table {
            let before_name = columns.len() - 1;
            columns.splice(before_name..before_name, &bar);
            columns.extend(columns::by_keys(&all, &["command"]));
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
                    document.record("system", &system::columns(), info)?;
                }
                document.rows("processes", &columns, &rows)?;
            }
            Format::Csv => write_csv(&mut document, info.as_ref(), &columns, &rows)?,
        }
        document.end()?;
        if at.is_none() {
            let fields = capture.fields();
            diagnostics::warn_unreadable(session, fields, capture.processes().iter());
            diagnostics::warn_hidden(&session.system);
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

/// Adds the command line to a status. Reads it only here, for the processes that are shown.
fn with_command_line(status: &ProcessStatus, system: &System) -> ProcessStatus {
    let mut status = status.clone();
    let opened = Pin::new(&status).open(system);
    let read = opened.and_then(|process| process.map(|process| process.command_line()).transpose());
    match read {
        Ok(line) => status.command_line = line,
        Err(_) => status.unreadable |= Fields::COMMAND_LINE,
    }
    status
}

/// A kind of memory, shown as one line.
struct MemoryKind {
    name: &'static str,
    /// `None` if it is unknown.
    in_use: Option<u64>,
    total: Option<u64>,
    /// Memory that is not in use, but caches file contents until it is needed.
    files: u64,
    /// Parts of the memory, and of what is available.
    parts: Vec<(&'static str, u64)>,
}

fn write_machine(document: &mut Document<'_>, info: &PerformanceInfo) -> Result<()> {
    let kinds = kinds(info);
    let columns = columns! { kind: MemoryKind;
        "" "MEMORY" "" Word:   Value::Word(kind.name), priority 9;
        "" "IN USE" "" Number: Value::bytes(kind.in_use), priority 8;
        "" "TOTAL"  "" Number: kind.total.map_or(Value::Word(""), Value::Bytes), priority 8;
        "" "USED"   "" Number: kind.used(), priority 7;
        ""             Word:   kind.bar(), priority 3;
        ""             Word:   kind.parts();
    };
    document.rows("memory", &columns, &kinds)?;
    let open = info
        .handle_count
        .map(|count| format!(", {}", counted(count, texts::HANDLE, texts::HANDLES)));
    Ok(document.line(&format!(
        "{}, {}{}; up {}",
        counted(info.process_count, "process", "processes"),
        counted(info.thread_count, "thread", "threads"),
        open.unwrap_or_default(),
        up_time(sys::since_boot()),
    ))?)
}

impl MemoryKind {
    /// Returns the memory in use and the total, if both are known and there is any.
    fn known(&self) -> Option<(u64, u64)> {
        let total = self.total.filter(|&total| total > 0)?;
        Some((self.in_use?, total))
    }

    /// Returns the percentage in use.
    fn used(&self) -> Value<'_> {
        let Some((in_use, total)) = self.known() else {
            return Value::Word("");
        };
        let percent = 100.0 * in_use as f64 / total as f64;
        Value::Text(format!("{percent:.0}%").into_bytes().into())
    }

    fn parts(&self) -> Value<'_> {
        match self.total {
            Some(0) => Value::Word("none in use"),
            _ => Value::Sizes(self.parts.clone()),
        }
    }

    fn bar(&self) -> Value<'_> {
        let Some((in_use, total)) = self.known() else {
            return Value::Word("");
        };
        let share = |bytes: u64| bytes as f64 / total as f64;
        Value::Bar(vec![
            (Part::Private, share(in_use)),
            (Part::Files, share(self.files)),
            (Part::Free, 1.0),
        ])
    }
}

fn kinds(info: &PerformanceInfo) -> [MemoryKind; 4] {
    [
        MemoryKind {
            name: "physical",
            in_use: Some(info.physical_total.saturating_sub(info.physical_available)),
            total: Some(info.physical_total),
            files: info
                .physical_free
                .map_or(0, |free| info.physical_available.saturating_sub(free)),
            parts: known([
                ("available", Some(info.physical_available)),
                ("cache", info.system_cache),
                ("shared", info.shared),
            ]),
        },
        MemoryKind {
            name: "commit",
            in_use: Some(info.commit_total),
            total: Some(info.commit_limit),
            files: 0,
            parts: Vec::new(),
        },
        MemoryKind {
            name: "page files",
            in_use: info
                .swap_total
                .zip(info.swap_free)
                .map(|(total, free)| total.saturating_sub(free)),
            total: info.swap_total,
            files: 0,
            parts: Vec::new(),
        },
        MemoryKind {
            name: "kernel",
            in_use: info.kernel_total,
            total: None,
            files: 0,
            parts: known([
                ("paged", info.kernel_paged),
                ("nonpaged", info.kernel_nonpaged),
            ]),
        },
    ]
}

fn known<const N: usize>(parts: [(&'static str, Option<u64>); N]) -> Vec<(&'static str, u64)> {
    let parts = parts.into_iter();
    parts
        .filter_map(|(name, bytes)| Some((name, bytes?)))
        .collect()
}

/// Returns a number with its noun: `1 process`, `2 processes`.
fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Formats the uptime of the machine: `3d 4h 5m`, `4h 5m`, `5m`.
fn up_time(up: Duration) -> String {
    let minutes = up.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) if minutes == 0 => "<1m".into(),
        (0, 0) => format!("{minutes}m"),
        (0, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h {minutes}m"),
    }
}

/// A figure of the machine or of a process. In CSV, each row has one figure, because a CSV file
/// cannot contain two tables.
struct CsvRow<'a> {
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
    let of_system = system::columns();
    let of_system = of_system.iter().filter_map(|column| {
        Some(CsvRow {
            pid: Value::Unknown,
            field: column.field,
            value: (column.value)(info?),
        })
    });
    let of_processes = rows.iter().flat_map(|row| {
        columns.iter().map(|column| CsvRow {
            pid: Value::count(row.status.id.get()),
            field: column.column.field,
            value: (column.column.value)(row),
        })
    });
    let figures: Vec<CsvRow<'_>> = of_system
        .chain(of_processes.filter(|figure| figure.field != "pid"))
        .collect();
    let columns = columns! { figure: CsvRow<'_>;
        "pid"   Number: figure.pid.clone();
        "field" Word:   Value::Word(figure.field);
        "value" Name:   figure.value.clone();
    };
    Ok(document.rows("figures", &columns, &figures)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_of_one_is_singular() {
        assert_eq!(counted(0, "process", "processes"), "0 processes");
        assert_eq!(counted(1, "process", "processes"), "1 process");
        assert_eq!(counted(2, "process", "processes"), "2 processes");
    }

    #[test]
    fn first_minute_is_not_zero() {
        let up = |seconds| up_time(Duration::from_secs(seconds));
        assert_eq!(up(59), "<1m");
        assert_eq!(up(60), "1m");
        assert_eq!(up(3600), "1h 0m");
    }
}
