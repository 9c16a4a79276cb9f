//! `psapi` alone: the machine, and the processes with the largest working sets.

use std::cmp::Reverse;

use anyhow::Result;
use psapi::{Capture, Fields, ProcessStatus};

use crate::columns::{self, ProcessRow};
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
const PROCESSES: usize = 15;

const COLUMNS: [&str; 10] = [
    "pid", "user", "state", "threads", "ws", "peak", "commit", "swap", "time", "name",
];

impl Args {
    /// Refuses the options where they were given before a subcommand.
    pub fn refuse_before_subcommand(&self) -> Result<()> {
        self.repeat.refuse_before_subcommand()
    }
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let mut capture = Capture::new(Fields::MEMORY | Fields::USER);
    let mut users = Users::default();
    args.repeat.run(|at| {
        capture.refresh(&session.system)?;
        let mut largest: Vec<&ProcessStatus> = capture.processes().iter().collect();
        largest.sort_by_key(|status| Reverse(status.memory.map(|memory| memory.working_set)));
        largest.truncate(PROCESSES);
        users.learn(largest.iter().copied());
        let rows: Vec<ProcessRow<'_>> = largest
            .iter()
            .map(|status| ProcessRow::new(status, users.of(status)))
            .collect();
        let all = columns::all();
        let mut document = session.output.document(at)?;
        document.rows("processes", &columns::by_keys(&all, &COLUMNS), &rows)?;
        document.end()?;
        Ok(true)
    })
}
