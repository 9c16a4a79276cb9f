//! All processes, from which targets are chosen by name or by a part of the command line.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;

use anyhow::Result;
use psapi::{Capture, Fields, ProcessId, ProcessStatus, System};

use crate::columns::command_text;
use crate::pattern::Pattern;

/// The names and the command lines of all processes, each read on first use.
#[derive(Debug, Default)]
pub struct Listing {
    names: Option<Capture>,
    command_lines: Option<Capture>,
}

impl Listing {
    /// Returns the processes that a target selects, in ascending order of id: those with that name.
    /// If there are none, those whose command line contains the target. A number is never looked
    /// for in command lines, because it is more likely an id that is no longer in use.
    pub fn find(&mut self, target: &OsStr, system: &System) -> Result<Vec<&ProcessStatus>> {
        let pattern = Pattern::new(target);
        let named = Self::filter(
            read(&mut self.names, Fields::IMAGE, system)?,
            |status| pattern.matches_process(status),
            Some(true),
        );
        if !named.is_empty() || pattern.as_id().is_some() {
            return Ok(named);
        }
        let processes = read(&mut self.command_lines, Fields::COMMAND_LINE, system)?;
        let own = mentions_own_arguments(processes, system);
        let matches = |status: &ProcessStatus| {
            let is_own = own.contains(&status.id);
            pattern
                .is_in_command_line(status)
                .map(|found| found && !is_own)
        };
        Ok(Self::filter(processes, matches, Some(true)))
    }

    /// Returns the processes that a target might select, but whose names could not be read.
    pub fn undecided(&self, target: &OsStr) -> Vec<&ProcessStatus> {
        let pattern = Pattern::new(target);
        let processes = self.names.as_ref().map_or(&[][..], Capture::processes);
        Self::filter(processes, |status| pattern.matches_process(status), None)
    }

    fn filter(
        processes: &[ProcessStatus],
        verdict: impl Fn(&ProcessStatus) -> Option<bool>,
        wanted: Option<bool>,
    ) -> Vec<&ProcessStatus> {
        let processes = processes.iter();
        processes
            .filter(|&status| verdict(status) == wanted)
            .collect()
    }
}

fn read<'c>(
    capture: &'c mut Option<Capture>,
    fields: Fields,
    system: &System,
) -> Result<&'c [ProcessStatus]> {
    let capture = match capture.take() {
        Some(read) => capture.insert(read),
        None => capture.insert(system.capture(Fields::STAT | fields)?),
    };
    Ok(capture.processes())
}

/// Returns the processes whose command lines contain a target only because this command was started
/// with it. These are this process, and ancestors such as `sudo` and shells.
///
/// `processes` must be sorted by id.
pub fn mentions_own_arguments(processes: &[ProcessStatus], system: &System) -> HashSet<ProcessId> {
    let mut own = HashSet::new();
    // A proc root of another pid namespace does not show this process.
    let Ok(this) = system.current_process() else {
        return own;
    };
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default();
    let arguments: Vec<_> = arguments
        .map(|argument| argument.as_encoded_bytes().to_vec())
        .collect();
    let marks = [program.as_encoded_bytes().to_vec(), arguments.join(&b' ')];
    let mentions = |status: &ProcessStatus| {
        let text = status.command_line.as_ref().map(command_text);
        text.is_some_and(|text| marks.iter().any(|mark| contains(&text, mark)))
    };
    let mut next = Some(this.id());
    // If ids are reused while the processes are read, parents can form a cycle.
    for _ in processes {
        let Some(id) = next else { break };
        let Ok(at) = processes.binary_search_by_key(&id, |status| status.id) else {
            break;
        };
        let status = &processes[at];
        next = status.parent;
        if id == this.id() || mentions(status) {
            own.insert(id);
        }
    }
    own
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}
