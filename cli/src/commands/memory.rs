//! `psapi memory`: memory counters of some processes.

use anyhow::Result;
use psapi::Fields;

use crate::columns::{self, ProcessColumn, ProcessRow};
use crate::explain;
use crate::output::Format;
use crate::repeat::Repeat;
use crate::session::Session;
use crate::target::Targets;

/// Options of `psapi memory`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    targets: Targets,
    /// Exact shares (PSS, USS) as well: the kernel walks the processes' page tables for them
    #[arg(long)]
    exact: bool,
    #[command(flatten)]
    repeat: Repeat,
}

/// What a table of several processes has.
const IN_TABLE: [&str; 9] = [
    "pid", "ws", "peak", "commit", "swap", "anon", "file", "shmem", "vsize",
];

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut fields = Fields::MEMORY;
    fields.set(Fields::EXACT, args.exact);
    let mut watch = args.targets.watch();
    let mut explained = false;
    args.repeat.run(|at| {
        let mut statuses = Vec::new();
        watch.ask(session, |process| {
            let status = process.status(fields)?;
            if status.memory.is_none() {
                // The question by itself says why.
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
        let table = session.output.format() == Format::Table;
        let chosen = if table && rows.len() > 1 {
            in_table(&all, args.exact)
        } else {
            detailed(&all, fields)
        };
        let mut document = session.output.document(at)?;
        match &rows[..] {
            [row] if table => document.record("processes", &chosen, row)?,
            _ => document.rows("processes", &chosen, &rows)?,
        }
        document.end()?;
        // Once; and a terminal that shows one sample in the place of another has no room for it.
        if !explained && (at.is_none() || session.output.height().is_none()) {
            explain::refusals(&session.system, fields, statuses.iter());
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
    keys.push("name");
    columns::by_keys(all, &keys)
}

/// All that is known of memory, behind the process's id and name.
fn detailed<'c, 'a>(all: &'c [ProcessColumn<'a>], fields: Fields) -> Vec<&'c ProcessColumn<'a>> {
    let memory = all.iter().filter(|column| column.fields.intersects(fields));
    let mut chosen = columns::by_keys(all, &["pid", "name"]);
    chosen.extend(memory);
    chosen.extend(columns::by_keys(all, &["minflt", "majflt"]));
    chosen
}
