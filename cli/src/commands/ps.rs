//! `psapi ps`: processes.

mod sample;
mod tree;

use std::collections::HashSet;

use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser};
use psapi::{Fields, ProcessId, ProcessStatus};

use crate::cli::usage;
use crate::columns::{self, ProcessColumn, ProcessRow, Progress};
use crate::explain;
use crate::output::Format;
use crate::pattern::Pattern;
use crate::repeat::Repeat;
use crate::session::Session;
use crate::sort::{self, SortKey};
use crate::target;
use crate::users::{self, Users};
use sample::{Chosen, Sample};

/// Options of `psapi ps`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show these columns, comma-separated. Only the files that they need are read
    #[arg(long, short = 'o', value_delimiter = ',', value_parser = keys())]
    columns: Vec<String>,
    /// Show these columns beside the usual ones
    #[arg(long, short = 'O', value_delimiter = ',', value_parser = keys(), hide_possible_values = true,
          conflicts_with = "columns")]
    add_columns: Vec<String>,
    /// Sort by a column: KEY, or -KEY or KEY:desc for the largest first; several, comma-separated.
    /// By pid if not given; with --interval, tables show who used most CPU time first
    #[arg(long, short = 's', value_name = "KEY", value_delimiter = ',', allow_hyphen_values = true,
          value_parser = sort_key)]
    sort: Vec<SortKey>,
    /// Show processes under their parents
    #[arg(long, short = 't')]
    tree: bool,
    /// Only processes of this name, the kernel's or their image's: exact, or with `*` and `?`
    #[arg(long, short = 'n', value_name = "NAME", value_parser = Pattern::parse)]
    name: Vec<Pattern>,
    /// Only processes with the rights of this user: a name or a number
    #[arg(long, short = 'u', value_delimiter = ',', value_parser = users::parse_user)]
    user: Vec<u32>,
    /// Only processes with these ids
    #[arg(long, short = 'p', value_delimiter = ',', value_parser = target::parse_id)]
    pid: Vec<ProcessId>,
    /// No threads of the kernel
    #[arg(long)]
    no_kernel: bool,
    #[command(flatten)]
    repeat: Repeat,
}

/// The usual columns of a table: of the tiers *cheap* and *status* only.
const USUAL: [&str; 11] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "minflt", "majflt", "time", "name",
];
/// The same where two samples are compared.
const COMPARED: [&str; 11] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "minrate", "majrate", "cpu", "name",
];
/// The tiers of columns that machine formats have without being asked.
const USUAL_FIELDS: Fields = Fields::STAT.union(Fields::MEMORY).union(Fields::USER);

/// The columns as arguments, described in the long help.
fn keys() -> PossibleValuesParser {
    let value = |column: ProcessColumn<'_>| {
        PossibleValue::new(column.column.key)
            .aliases(column.aliases)
            .help(column.column.about)
    };
    columns::all()
        .into_iter()
        .map(value)
        .collect::<Vec<_>>()
        .into()
}

fn sort_key(text: &str) -> Result<SortKey, String> {
    let all = columns::all();
    sort::parse(
        text,
        |key| all.iter().any(|column| column.is_called(key)),
        || "the long help (--help) lists them".to_owned(),
    )
}

fn column_of<'c, 'a>(key: &SortKey, all: &'c [ProcessColumn<'a>]) -> Option<&'c ProcessColumn<'a>> {
    all.iter().find(|column| column.is_called(&key.key))
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let plan = Plan::new(args, session.output.format())?;
    let mut chosen_ids = args.ids();
    let mut now = Sample::new(plan.fields);
    let mut before = Sample::new(plan.fields);
    let mut before_at = None;
    let mut users = Users::default();
    args.repeat.run(|at| {
        now.refresh(&mut chosen_ids, session)?;
        if now.processes().is_empty() {
            return Ok(false);
        }
        let elapsed = at.zip(before_at).map(|(at, before)| at - before);
        let (mut found, mut undecided) = (Vec::new(), Vec::new());
        for status in now.processes() {
            match args.wants(status) {
                Some(true) => found.push(status),
                Some(false) => {}
                None => undecided.push(status),
            }
        }
        users.learn(found.iter().copied());
        let mut rows: Vec<ProcessRow<'_>> = found
            .iter()
            .map(|status| ProcessRow {
                progress: elapsed.and_then(|elapsed| {
                    Progress::between(before.process(status.id)?, status, elapsed)
                }),
                ..ProcessRow::new(status, users.of(status))
            })
            .collect();
        let all = columns::all();
        let by: Vec<_> = plan
            .sort
            .iter()
            .filter_map(|key| Some((&column_of(key, &all)?.column, key.descending)))
            .collect();
        sort::sort(&by, &mut rows);
        if args.tree {
            tree::arrange(&mut rows);
        }
        let chosen = columns::by_keys(&all, &plan.keys);
        let mut document = session.output.document(at)?;
        document.rows("processes", &chosen, &rows)?;
        document.end()?;
        // Once; and a terminal that shows one sample in the place of another has no room for it.
        if before_at.is_none() && (at.is_none() || session.output.height().is_none()) {
            explain::refusals(&session.system, plan.shown, found.into_iter());
            explain::undecided(&session.system, args.chosen_by(), &undecided);
            if args.pid.is_empty() {
                explain::missing(&session.system);
            }
        }
        before_at = at;
        std::mem::swap(&mut now, &mut before);
        Ok(true)
    })
}

/// What to show, and what to read for it.
struct Plan {
    keys: Vec<&'static str>,
    sort: Vec<SortKey>,
    /// What the columns show.
    shown: Fields,
    /// What is read: filters and orders may need more.
    fields: Fields,
}

impl Plan {
    fn new(args: &Args, format: Format) -> Result<Self> {
        let all = columns::all();
        let repeated = args.repeat.interval.is_some();
        let mut chosen = if !args.columns.is_empty() {
            columns::by_keys(&all, &args.columns)
        } else if format == Format::Table {
            columns::by_keys(&all, if repeated { &COMPARED } else { &USUAL })
        } else {
            let usual = |column: &&ProcessColumn<'_>| {
                USUAL_FIELDS.contains(column.fields)
                    && (repeated || !column.compares)
                    && (args.tree || column.column.key != "depth")
            };
            all.iter().filter(usual).collect()
        };
        // The name stays last.
        let last = chosen.len().saturating_sub(1);
        let mut added = columns::by_keys(&all, &args.add_columns);
        let usual: HashSet<&str> = chosen.iter().map(|column| column.column.key).collect();
        added.retain(|column| !usual.contains(column.column.key));
        chosen.splice(last..last, added);
        // Each once: a name must not come twice in an object, nor in a header.
        let mut seen = HashSet::new();
        chosen.retain(|column| seen.insert(column.column.key));
        let sort = if args.sort.is_empty() && repeated && !args.tree && format == Format::Table {
            vec![SortKey::largest("cpu"), SortKey::largest("ws")]
        } else {
            args.sort.clone()
        };
        let sorting = sort.iter().filter_map(|key| column_of(key, &all));
        let needed: Vec<&ProcessColumn<'_>> = chosen.iter().copied().chain(sorting).collect();
        if !repeated && let Some(column) = needed.iter().find(|column| column.compares) {
            return Err(usage(format_args!(
                "{} compares two samples, and so needs --interval",
                column.column.key
            )));
        }
        let shown = columns::fields_of(chosen.iter().copied());
        let mut fields = columns::fields_of(needed.iter().copied());
        fields.set(
            Fields::IMAGE,
            fields.contains(Fields::IMAGE) || !args.name.is_empty(),
        );
        fields.set(
            Fields::USER,
            fields.contains(Fields::USER) || !args.user.is_empty(),
        );
        Ok(Plan {
            keys: chosen.iter().map(|column| column.column.key).collect(),
            sort,
            shown,
            fields,
        })
    }
}

impl Args {
    /// The ids that were given, if any were: ascending, each once.
    fn ids(&self) -> Option<Vec<Chosen>> {
        let mut ids = self.pid.clone();
        ids.sort_unstable();
        ids.dedup();
        (!ids.is_empty()).then(|| ids.into_iter().map(Chosen::new).collect())
    }

    /// Whether a process passes the filters: each kind that was given, by one of its values. `None`:
    /// it passes as far as it may be read.
    fn wants(&self, status: &ProcessStatus) -> Option<bool> {
        let names = self.name.iter();
        let by_name = any(names.map(|name| name.matches_process(status)));
        let user = status.user.map(|ids| ids.effective_user);
        let by_user = user.map(|user| self.user.contains(&user));
        let is_unwanted = self.no_kernel && status.kernel_thread == Some(true);
        let fails = |given: bool, passes: Option<bool>| match given {
            true => passes.map(|passes| !passes),
            false => Some(false),
        };
        let fails = any([
            Some(is_unwanted),
            fails(!self.name.is_empty(), by_name),
            fails(!self.user.is_empty(), by_user),
        ]);
        fails.map(|fails| !fails)
    }

    /// What the filters look at.
    fn chosen_by(&self) -> &'static str {
        match (self.name.is_empty(), self.user.is_empty()) {
            (true, _) => "users",
            (_, true) => "names",
            (false, false) => "names or users",
        }
    }
}

/// Whether one of several holds; `None` if it may be one of which that is not known.
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
