//! `psapi ps`: lists processes.

mod sample;
mod tree;

use std::collections::HashSet;

use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use psapi::{Fields, ProcessId, ProcessStatus, System};

use crate::columns::{self, ProcessColumn, ProcessRow, Rates};
use crate::diagnostics;
use crate::listing::mentions_own_arguments;
use crate::output::Format;
use crate::pattern::Pattern;
use crate::repeat::Repeat;
use crate::session::Session;
use crate::sort::{self, SortKey};
use crate::sys::{UserId, user_of};
use crate::target;
use crate::usage::usage;
use crate::users::Users;
use sample::{Sample, Selected};

/// Options of `psapi ps`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// List only processes with this id, or with this text in their name or command line; `*` and
    /// `?` are wildcards
    #[arg(value_name = "PATTERN", value_parser = target::not_empty().map(|text| Pattern::new(&text)))]
    patterns: Vec<Pattern>,
    /// Show these columns, comma-separated; only the files that they need are read
    #[arg(long, short = 'o', value_delimiter = ',', value_parser = keys())]
    columns: Vec<String>,
    /// Show these columns in addition to the default ones, or to those of --columns
    #[arg(long, short = 'O', value_delimiter = ',', value_parser = keys(), hide_possible_values = true)]
    add_columns: Vec<String>,
    /// Sort by columns, comma-separated: KEY ascending, -KEY or KEY:desc descending [default: pid;
    /// in tables with --interval, CPU time descending]
    #[arg(long, short = 's', value_name = "KEY", value_delimiter = ',', allow_hyphen_values = true,
          value_parser = sort_key)]
    sort: Vec<SortKey>,
    /// Show processes as a tree
    #[arg(long, short = 't')]
    tree: bool,
    /// List only processes with this name or executable file name; `*` and `?` are wildcards
    #[arg(long, short = 'n', value_name = "NAME", value_parser = Pattern::parse)]
    name: Vec<Pattern>,
    /// List only processes with these effective users: names or ids, comma-separated
    #[arg(long, short = 'u', value_delimiter = ',')]
    user: Vec<String>,
    /// List only processes with these ids, comma-separated
    #[arg(long, short = 'p', value_delimiter = ',', value_parser = target::parse_id)]
    pid: Vec<ProcessId>,
    /// Omit kernel threads
    #[arg(long)]
    no_kernel: bool,
    #[command(flatten)]
    repeat: Repeat,
}

/// The default columns of a table.
const DEFAULT: [&str; 12] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "minflt", "majflt", "time", "name",
    "command",
];
/// The default columns of a table that compares two samples.
const COMPARED: [&str; 12] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "minrate", "majrate", "cpu", "name",
    "command",
];
/// The tiers whose columns are in JSON and CSV by default.
const DEFAULT_FIELDS: Fields = Fields::STAT.union(Fields::MEMORY).union(Fields::USER);

/// Returns the columns as possible values of an option, described in the long help.
fn keys() -> PossibleValuesParser {
    let value = |column: ProcessColumn<'_>| {
        let column = column.column;
        let help = match column.aliases {
            [] => column.about.to_owned(),
            aliases => format!("{}; also {}", column.about, aliases.join(", ")),
        };
        PossibleValue::new(column.key)
            .aliases(column.aliases)
            .help(help)
    };
    columns::all()
        .into_iter()
        .map(value)
        .collect::<Vec<_>>()
        .into()
}

fn sort_key(text: &str) -> Result<SortKey, String> {
    let key = sort::parse(text)?;
    match columns::by_key(&columns::all(), &key.key) {
        Some(_) => Ok(key),
        None => Err("unknown column; --help lists all columns".to_owned()),
    }
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let plan = Plan::new(args, session.output.format())?;
    let mut chosen_ids = args.ids();
    let mut now = Sample::new(plan.fields);
    let mut before = Sample::new(plan.fields);
    let mut before_at = None;
    let wanted_users = args.user_ids(&mut session.users)?;
    let mut unmatched = Vec::new();
    args.repeat.run(|at| {
        now.refresh(&mut chosen_ids, session)?;
        if now.processes().is_empty() {
            return Ok(false);
        }
        let elapsed = at.zip(before_at).map(|(at, before)| at - before);
        let own = args.excluded(now.processes(), &session.system);
        let (mut found, mut undecided) = (Vec::new(), Vec::new());
        for status in now.processes() {
            match args.wants(status, &wanted_users, &own) {
                Some(true) => found.push(status),
                Some(false) => {}
                None => undecided.push(status),
            }
        }
        let found_any = !found.is_empty();
        session.users.look_up(found.iter().copied());
        let mut rows: Vec<ProcessRow<'_>> = found
            .iter()
            .map(|status| ProcessRow {
                rates: elapsed.and_then(|elapsed| {
                    Rates::between(before.process(status.id)?, status, elapsed)
                }),
                ..ProcessRow::new(status, session.users.of(status))
            })
            .collect();
        let mut all = columns::all();
        for column in &mut all {
            if plan.kept.contains(&column.column.key) {
                column.column.keep();
            }
        }
        let by: Vec<_> = plan
            .sort
            .iter()
            .filter_map(|key| Some((&columns::by_key(&all, &key.key)?.column, key.descending)))
            .collect();
        sort::sort(&by, &mut rows);
        if args.tree {
            tree::arrange(&mut rows);
        }
        let chosen = columns::by_keys(&all, &plan.keys);
        let mut document = session.output.document(at)?;
        let total = columns::total(&chosen, &rows);
        if rows.is_empty() {
            document.rows_if_any("processes", &chosen, &rows)?;
        } else {
            document.rows_and_total("processes", &chosen, &rows, total.as_ref())?;
        }
        let left_out = document.left_out().to_vec();
        document.end()?;
        // Warn only once, and not on a terminal where the next sample would erase the warning.
        if before_at.is_none() && (at.is_none() || session.output.height().is_none()) {
            diagnostics::warn_left_out(&left_out, &plan.requested);
            let has_filter =
                !args.patterns.is_empty() || !args.name.is_empty() || !args.user.is_empty();
            if !has_filter && args.pid.is_empty() {
                diagnostics::warn_hidden(&session.system);
            } else if has_filter && found.is_empty() {
                diagnostics::warn_missing(&session.system, args.filtered_by(), &undecided);
            }
            diagnostics::warn_unreadable(session, plan.shown, found.into_iter());
        }
        let absent = args.unmatched(now.processes(), &own, found_any);
        for message in absent
            .iter()
            .filter(|message| !unmatched.contains(*message))
        {
            session.report(message);
        }
        unmatched = absent;
        before_at = at;
        std::mem::swap(&mut now, &mut before);
        Ok(true)
    })
}

/// The columns to show, and the tiers to read for them.
struct Plan {
    keys: Vec<&'static str>,
    /// The titles of the columns that options name.
    requested: Vec<&'static str>,
    /// The columns to leave out last: those that options add or sort by.
    kept: Vec<&'static str>,
    sort: Vec<SortKey>,
    /// The tiers of the shown columns.
    shown: Fields,
    /// The tiers to read. Filters and sorting can need more than the shown columns.
    fields: Fields,
}

impl Plan {
    fn new(args: &Args, format: Format) -> Result<Self> {
        let all = columns::all();
        let repeated = args.repeat.interval.is_some();
        let mut chosen = if !args.columns.is_empty() {
            columns::by_keys(&all, &args.columns)
        } else if format == Format::Table {
            columns::by_keys(&all, if repeated { &COMPARED } else { &DEFAULT })
        } else {
            let is_default = |column: &&ProcessColumn<'_>| {
                DEFAULT_FIELDS.contains(column.fields)
                    && (repeated || !column.compares)
                    && (args.tree || column.column.key != "depth")
            };
            all.iter().filter(is_default).collect()
        };
        // Inserts the added columns before the name and the command line, which stay last.
        let is_last =
            |column: &&ProcessColumn<'_>| ["name", "command"].contains(&column.column.key);
        let names = chosen.iter().rev().take_while(|column| is_last(column));
        let last = chosen.len() - names.count();
        let mut added = columns::by_keys(&all, &args.add_columns);
        let named = columns::by_keys(&all, &args.columns);
        let requested = named.iter().chain(&added);
        let requested = requested.map(|column| column.column.title).collect();
        let added_keys: Vec<&str> = added.iter().map(|column| column.column.key).collect();
        let present: HashSet<&str> = chosen.iter().map(|column| column.column.key).collect();
        added.retain(|column| !present.contains(column.column.key));
        chosen.splice(last..last, added);
        // Removes duplicates, because a JSON object and a CSV header cannot repeat a field.
        let mut seen = HashSet::new();
        chosen.retain(|column| seen.insert(column.column.key));
        let sort = if args.sort.is_empty() && repeated && !args.tree && format == Format::Table {
            vec![SortKey::descending("cpu"), SortKey::descending("ws")]
        } else {
            args.sort.clone()
        };
        let sorting = sort
            .iter()
            .filter_map(|key| columns::by_key(&all, &key.key));
        let sort_keys = sorting.clone().map(|column| column.column.key);
        let kept = added_keys.into_iter().chain(sort_keys).collect();
        let needed: Vec<&ProcessColumn<'_>> = chosen.iter().copied().chain(sorting).collect();
        if !repeated && let Some(column) = needed.iter().find(|column| column.compares) {
            return Err(usage(format_args!(
                "column {} compares two samples; add --interval",
                column.column.key
            )));
        }
        let shown = columns::fields_of(chosen.iter().copied());
        let mut fields = columns::fields_of(needed.iter().copied());
        if !args.name.is_empty() || !args.patterns.is_empty() {
            fields |= Fields::IMAGE;
        }
        if !args.patterns.is_empty() {
            fields |= Fields::COMMAND_LINE;
        }
        if !args.user.is_empty() {
            fields |= Fields::USER;
        }
        Ok(Plan {
            keys: chosen.iter().map(|column| column.column.key).collect(),
            requested,
            kept,
            sort,
            shown,
            fields,
        })
    }
}

impl Args {
    /// Returns the ids given with --pid, ascending and without duplicates; `None` if there are
    /// none.
    fn ids(&self) -> Option<Vec<Selected>> {
        let mut ids = self.pid.clone();
        ids.sort_unstable();
        ids.dedup();
        (!ids.is_empty()).then(|| ids.into_iter().map(Selected::new).collect())
    }

    /// Returns the ids of the users given with --user.
    fn user_ids(&self, users: &mut Users) -> Result<Vec<UserId>> {
        let id = |text: &String| {
            let id = users.parse(text);
            id.ok_or_else(|| usage(format_args!("unknown user '{text}' for '--user <USER>'")))
        };
        self.user.iter().map(id).collect()
    }

    /// Returns the processes whose command lines are not searched for patterns.
    fn excluded(&self, processes: &[ProcessStatus], system: &System) -> HashSet<ProcessId> {
        if self.patterns.is_empty() {
            return HashSet::new();
        }
        mentions_own_arguments(processes, system)
    }

    /// Returns whether a process passes all filters. `None` if a filter uses a figure that could
    /// not be read, and the process passes the other filters.
    fn wants(
        &self,
        status: &ProcessStatus,
        users: &[UserId],
        own: &HashSet<ProcessId>,
    ) -> Option<bool> {
        let patterns = self.patterns.iter();
        let by_pattern = any(patterns.map(|pattern| selects(pattern, status, own)));
        let names = self.name.iter();
        let by_name = any(names.map(|name| name.matches_process(status)));
        let by_user = user_of(status).map(|user| users.contains(&user));
        let is_unwanted = self.no_kernel && status.kernel_thread == Some(true);
        let fails = |given: bool, passes: Option<bool>| {
            if given {
                passes.map(|passes| !passes)
            } else {
                Some(false)
            }
        };
        let fails = any([
            Some(is_unwanted),
            fails(!self.patterns.is_empty(), by_pattern),
            fails(!self.name.is_empty(), by_name),
            fails(!self.user.is_empty(), by_user),
        ]);
        fails.map(|fails| !fails)
    }

    /// Returns a message for each pattern and name that no process matches. If there are none, and
    /// no process passes all filters, returns a message about that.
    fn unmatched(
        &self,
        processes: &[ProcessStatus],
        own: &HashSet<ProcessId>,
        found_any: bool,
    ) -> Vec<String> {
        let has = |matches: &dyn Fn(&ProcessStatus) -> Option<bool>| {
            processes.iter().any(|status| matches(status) == Some(true))
        };
        let patterns = self.patterns.iter();
        let patterns = patterns.filter(|pattern| !has(&|status| selects(pattern, status, own)));
        let names = self.name.iter();
        let names = names.filter(|name| !has(&|status| name.matches_process(status)));
        let absent = patterns.chain(names);
        let mut messages: Vec<String> = absent
            .map(|pattern| target::absent(&pattern.text()))
            .collect();
        if messages.is_empty() && !found_any {
            messages.push("no process passes all filters".to_owned());
        }
        messages
    }

    /// Returns the names of the figures that the filters use.
    fn filtered_by(&self) -> &'static str {
        let by_name = !self.name.is_empty() || !self.patterns.is_empty();
        match (by_name, self.user.is_empty()) {
            (false, _) => "users",
            (true, true) => "names",
            (true, false) => "names or users",
        }
    }
}

/// Returns whether a pattern selects a process: by id, by a part of a name, or by a part of the
/// command line. A number selects only an id or a whole name: as a part of other text, it means
/// something else.
fn selects(pattern: &Pattern, status: &ProcessStatus, own: &HashSet<ProcessId>) -> Option<bool> {
    if let Some(id) = pattern.as_id() {
        return any([Some(id == status.id), pattern.matches_process(status)]);
    }
    let in_command_line = if own.contains(&status.id) {
        Some(false)
    } else {
        pattern.is_in_command_line(status)
    };
    any([pattern.is_in_name(status), in_command_line])
}

/// Returns true if any verdict is true; `None` if none is true but some are unknown.
fn any(verdicts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut holds = Some(false);
    for verdict in verdicts {
        match verdict {
            Some(true) => return verdict,
            Some(false) => {}
            None => holds = None,
        }
    }
    holds
}
