//! `psapi memory`: memory counters of processes.

use anyhow::Result;
use psapi::Fields;

use crate::columns::{self, ProcessColumn, ProcessRow};
use crate::diagnostics;
use crate::output::Format;
use crate::repeat::Repeat;
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi memory`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Also show exact shares (PSS, USS), for which the kernel walks the page tables
    #[arg(long)]
    exact: bool,
    #[command(flatten)]
    repeat: Repeat,
}

/// The columns of a table of several processes.
const IN_TABLE: [&str; 9] = [
    "pid", "ws", "peak", "commit", "swap", "anon", "file", "shmem", "vsize",
];

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let table = session.output.format() == Format::Table;
    let mut fields = Fields::MEMORY;
    fields.set(Fields::EXACT, args.exact);
    fields.set(Fields::COMMAND_LINE, table);
    let mut targets = args.targets.track();
    let mut explained = false;
    args.repeat.run(|at| {
        let mut statuses = Vec::new();
        targets.for_each(session, |process| {
            let status = process.status(fields)?;
            if status.memory.is_none() {
                // Fails with the reason why the status has no memory counters.
                process.memory_counters()?;
            }
            statuses.push(status);
            Ok(())
        });
        if statuses.is_empty() {
            return Ok(false);
        }
        let all = columns::all();
        let rows: Vec<ProcessRow<'_>> = statuses
            .iter()
            .map(|status| ProcessRow::new(status, None))
            .collect();
        let chosen = if table && rows.len() > 1 {
            in_table(&all, args.exact)
        } else {
            detailed(&all, fields)
        };
        let mut document = session.output.document(at)?;
        match &rows[..] {
            [row] if table => document.record("processes", &chosen, row)?,
            _ => {
                let total = columns::total(&chosen, &rows);
                document.rows_and_total("processes", &chosen, &rows, total.as_ref())?;
            }
        }
        document.end()?;
        // Warn only once, and not on a terminal where the next sample would erase the warning.
        if !explained && (at.is_none() || session.output.height().is_none()) {
            diagnostics::warn_unreadable(session, fields, statuses.iter());
        }
        explained = true;
        Ok(true)
    })
}

fn in_table<'c, 'a>(all: &'c [ProcessColumn<'a>], exact: bool) -> Vec<&'c ProcessColumn<'a>> {
    let mut keys = IN_TABLE.to_vec();
    if exact {
        keys.extend(["pss", "uss"]);
    }
    keys.extend(["name", "command"]);
    columns::by_keys(all, &keys)
}

/// Returns the columns of these tiers, after the id and the name of the process.
fn detailed<'c, 'a>(all: &'c [ProcessColumn<'a>], fields: Fields) -> Vec<&'c ProcessColumn<'a>> {
    let of_tiers = all.iter().filter(|column| column.fields.intersects(fields));
    let mut chosen = columns::by_keys(all, &["pid", "name"]);
    chosen.extend(of_tiers);
    chosen.extend(columns::by_keys(all, &["minflt", "majflt"]));
    chosen
}
