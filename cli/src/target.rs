//! Targets: the processes that a subcommand works on, given by pid, by name or by a part of the
//! command line.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fmt;

use anyhow::Result;
use clap::builder::{OsStringValueParser, TypedValueParser};
use psapi::{ErrorKind, Fields, Process, ProcessId, ProcessStatus, StartTime, System};

use crate::columns::command_text;
use crate::diagnostics;
use crate::failures::Failures;
use crate::listing::Listing;
use crate::output::{Format, printable};
use crate::session::{Session, warn};
use crate::sys::texts;

/// The processes that a subcommand works on.
#[derive(Debug, clap::Args)]
pub struct Targets {
    /// Process id, name, or part of a command line; `*` and `?` are wildcards. Selects all
    /// processes with this name or, if there are none, with this text in their command line
    #[arg(value_name = "TARGET", required = true, value_parser = not_empty())]
    targets: Vec<OsString>,
}

/// The process that a subcommand works on.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// Process id, name, or part of a command line; `*` and `?` are wildcards
    #[arg(value_name = "TARGET", value_parser = not_empty())]
    target: OsString,
}

/// Returns a parser that rejects an empty target.
pub fn not_empty() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|text| {
        if text.is_empty() {
            Err("expected a process id, a name or a part of a command line")
        } else {
            Ok(text)
        }
    })
}

/// Parses a process id, for options that accept no names. On Linux, the error names the largest id
/// that the kernel assigns, `PID_MAX_LIMIT`. Larger ids are accepted and match no process.
pub fn parse_id(text: &str) -> Result<ProcessId, &'static str> {
    let id = text.parse().ok().filter(|&id| id > 0);
    id.map(ProcessId::new).ok_or(texts::NOT_AN_ID)
}

impl Targets {
    /// Returns the rows of all processes, and the number of processes that were read. Prints which
    /// processes a target selects if there are several.
    pub fn rows<Row>(
        &self,
        session: &mut Session,
        mut rows_of: impl FnMut(&Process) -> psapi::Result<Vec<Row>>,
    ) -> (Vec<Row>, usize) {
        let (mut rows, mut processes) = (Vec::new(), 0);
        self.track().announcing().for_each(session, |process| {
            rows.append(&mut rows_of(process)?);
            processes += 1;
            Ok(())
        });
        (rows, processes)
    }

    /// Returns true if any target was given.
    pub fn are_given(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Returns true if several targets were given.
    pub fn are_several(&self) -> bool {
        self.targets.len() > 1
    }

    /// Returns the targets for repeated samples.
    pub fn track(&self) -> TrackedTargets {
        TrackedTargets::new(&self.targets)
    }
}

impl Target {
    /// Like [`TrackedTargets::for_each`]. Prints which processes the target selects if there are
    /// several.
    pub fn for_each(
        &self,
        session: &mut Session,
        visit: impl FnMut(&Process) -> psapi::Result<()>,
    ) {
        self.track().announcing().for_each(session, visit);
    }

    /// Returns the selected process. If there is none, or if there are several, reports that and
    /// returns `None`.
    pub fn one(&self, session: &mut Session) -> Result<Option<Process>> {
        let mut ids = Vec::new();
        self.track().for_each(session, |process| {
            ids.push(process.id());
            Ok(())
        });
        match ids[..] {
            [] => Ok(None),
            [id] => Ok(Some(session.system.process(id)?)),
            _ => {
                report_several(&printable(self.target.as_encoded_bytes()), &ids, session);
                Ok(None)
            }
        }
    }

    fn track(&self) -> TrackedTargets {
        TrackedTargets::new(std::slice::from_ref(&self.target))
    }
}

/// Reports that something selects several processes where one is needed, and which.
pub fn report_several(selection: &str, ids: &[ProcessId], session: &mut Session) {
    let count = ids.len();
    session.report(format_args!(
        "{selection} matches {count} processes; choose one by its id"
    ));
    show_processes(ids, &session.system);
}

/// Prints the ids and command lines of processes.
fn show_processes(ids: &[ProcessId], system: &System) {
    for &id in ids {
        warn(format_args!("{id:>9} {}", description(id, system)));
    }
}

/// Returns the command line of a process; without one, its name.
fn description(id: ProcessId, system: &System) -> String {
    let status = system
        .process(id)
        .and_then(|process| process.status(Fields::STAT | Fields::COMMAND_LINE));
    let Ok(status) = status else {
        return String::new();
    };
    let line = status.command_line.as_ref().map(command_text);
    let name = || status.display_name().map(OsString::into_encoded_bytes);
    let text = line.filter(|line| !line.is_empty()).or_else(name);
    printable(&text.unwrap_or_default())
}

/// Targets of repeated samples. An id keeps referring to the process that had it in the first
/// sample. A name refers to the processes that have it at the time of the sample.
#[derive(Debug)]
pub struct TrackedTargets {
    targets: Vec<(OsString, Option<Pin>)>,
    /// Whether to print which processes a target selects if there are several.
    announces: bool,
    /// The keys of the messages for the previous sample, which are not repeated while they apply.
    reported: HashSet<String>,
}

impl TrackedTargets {
    fn new(targets: &[OsString]) -> Self {
        let target = |target: &OsString| (target.clone(), None);
        TrackedTargets {
            targets: targets.iter().map(target).collect(),
            announces: false,
            reported: HashSet::new(),
        }
    }

    /// Prints which processes a target selects if there are several, for tables whose rows do not
    /// name their process.
    pub fn announcing(self) -> Self {
        TrackedTargets {
            announces: true,
            ..self
        }
    }

    /// Calls `visit` once for each process that the targets select, in ascending order of id within
    /// a target. Reports errors from `visit` and targets that select no process, and continues.
    /// Removes the id of a process that has ended from the targets.
    pub fn for_each(
        &mut self,
        session: &mut Session,
        mut visit: impl FnMut(&Process) -> psapi::Result<()>,
    ) {
        let mut round = Round {
            announces: self.announces && session.output.format() == Format::Table,
            session,
            listing: Listing::default(),
            visited: Vec::new(),
            previously_reported: &self.reported,
            reported: HashSet::new(),
            failures: Failures::default(),
        };
        self.targets
            .retain_mut(|(target, pin)| round.visit(target, pin, &mut visit));
        round.report_failures();
        self.reported = round.reported;
    }
}

/// One pass over all targets.
struct Round<'a> {
    session: &'a mut Session,
    announces: bool,
    listing: Listing,
    visited: Vec<ProcessId>,
    previously_reported: &'a HashSet<String>,
    reported: HashSet<String>,
    failures: Failures,
}

impl Round<'_> {
    /// Visits the processes that a target selects. Returns false if the target cannot select a
    /// process in later samples.
    fn visit(
        &mut self,
        target: &OsString,
        pin: &mut Option<Pin>,
        visit: &mut impl FnMut(&Process) -> psapi::Result<()>,
    ) -> bool {
        let result = match self.by_id(target, pin) {
            Ok(Some(process)) => {
                if self.visited.contains(&process.id()) {
                    return true;
                }
                self.visited.push(process.id());
                visit(&process).map_err(Into::into)
            }
            Ok(None) => self.visit_named(target, visit),
            Err(error) => Err(error),
        };
        let Err(error) = result else { return true };
        let kind = error.downcast_ref().map(psapi::Error::kind);
        let has_ended = error.is::<HasEnded>() || kind.is_some_and(is_gone);
        match error.downcast() {
            Ok(error) => self.failures.add(error),
            Err(error) => self.report(format!("{error:#}")),
        }
        !has_ended
    }

    /// Returns the process whose id is the target. In later samples, this is the process that had
    /// the id in the first sample. Ids take precedence, because a name can consist of digits.
    fn by_id(&self, target: &OsString, pin: &mut Option<Pin>) -> Result<Option<Process>> {
        let system = &self.session.system;
        if let Some(pin) = pin {
            let process = pin.open(system)?.ok_or(HasEnded(pin.id))?;
            return Ok(Some(process));
        }
        let Some(id) = as_id(target) else {
            return Ok(None);
        };
        match system.process(id) {
            Ok(process) => {
                *pin = Some(Pin::new(&process.status(Fields::STAT)?));
                Ok(Some(process))
            }
            Err(error) if error.kind() == ErrorKind::NoSuchProcess => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn visit_named(
        &mut self,
        target: &OsString,
        visit: &mut impl FnMut(&Process) -> psapi::Result<()>,
    ) -> Result<()> {
        let mut found = Vec::new();
        let selected = self.listing.find(target, &self.session.system)?;
        let selected: Vec<Pin> = selected.into_iter().map(Pin::new).collect();
        for pin in selected {
            // Skips a process that has ended since it was listed, even if its id was reused.
            let Some(process) = pin.open(&self.session.system)? else {
                continue;
            };
            found.push(pin.id);
            if self.visited.contains(&pin.id) {
                continue;
            }
            self.visited.push(pin.id);
            match visit(&process) {
                Err(error) if error.kind() == ErrorKind::Ended => {}
                Err(error) => self.failures.add(error),
                Ok(()) => {}
            }
        }
        if found.len() > 1 && self.announces {
            self.announce(target, &found);
        }
        if !found.is_empty() {
            return Ok(());
        }
        // No process is named like this number, so it is meant as an id: return the error for that
        // id.
        if let Some(id) = as_id(target) {
            self.session.system.process(id)?;
        }
        let absent = absent(&printable(target.as_encoded_bytes()));
        let undecided = self.listing.undecided(target);
        let message = match diagnostics::absence_reason(&self.session.system, &undecided) {
            None => absent.clone(),
            Some(reason) => format!("{absent}; processes may be missing: {reason}"),
        };
        // The key omits the reason, because the number of unreadable processes changes between
        // samples.
        self.report_as(absent, &message);
        Ok(())
    }

    /// Reports the failures of all targets, one message for each reason.
    fn report_failures(&mut self) {
        let failures = std::mem::take(&mut self.failures);
        let session = &mut *self.session;
        for (key, message) in failures.messages(&mut session.users) {
            self.report_as(key, &message);
        }
    }

    /// Prints which processes a target selects, unless it was printed for the previous sample.
    fn announce(&mut self, target: &OsStr, ids: &[ProcessId]) {
        let target = printable(target.as_encoded_bytes());
        let key = format!("several: {target}");
        if !self.previously_reported.contains(&key) {
            warn(format_args!("{target} matches {} processes:", ids.len()));
            show_processes(ids, &self.session.system);
        }
        self.reported.insert(key);
    }

    fn report(&mut self, message: String) {
        self.report_as(message.clone(), &message);
    }

    /// Reports a message unless one with the same key was reported for this or the previous sample.
    fn report_as(&mut self, key: String, message: &str) {
        if !self.previously_reported.contains(&key) && !self.reported.contains(&key) {
            self.session.report(message);
        }
        self.reported.insert(key);
    }
}

/// Returns the message that nothing matches a target or a pattern.
pub fn absent(pattern: &str) -> String {
    format!("no process matches {pattern}")
}

fn as_id(target: &OsStr) -> Option<ProcessId> {
    target.to_str()?.parse().ok()
}

/// Returns true if the process does not exist or has ended.
pub fn is_gone(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NoSuchProcess | ErrorKind::Ended)
}

/// The error for a process that has ended. Another process might have its id now.
#[derive(Debug)]
pub struct HasEnded(pub ProcessId);

impl fmt::Display for HasEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} has ended", self.0)
    }
}

impl std::error::Error for HasEnded {}

/// A process, identified by id and start time, so that reuse of the id is detected. [`Process`]
/// also detects that, but holds a file descriptor, and there can be more targets than descriptors.
#[derive(Debug, Clone, Copy)]
pub struct Pin {
    pub id: ProcessId,
    start: Option<StartTime>,
}

impl Pin {
    /// Returns the process that a status describes.
    pub fn new(status: &ProcessStatus) -> Self {
        Pin {
            id: status.id,
            start: status.start,
        }
    }

    /// Returns true if a status describes this process. If a start time is unknown, only the ids
    /// are compared.
    pub fn is_of(&self, status: &ProcessStatus) -> bool {
        let differ = self.start.zip(status.start).is_some_and(|(a, b)| a != b);
        self.id == status.id && !differ
    }

    /// Opens the process; returns `None` if it has ended.
    pub fn open(&self, system: &System) -> psapi::Result<Option<Process>> {
        let opened = system.process(self.id).and_then(|process| {
            let status = process.status(Fields::STAT)?;
            Ok(self.is_of(&status).then_some(process))
        });
        match opened {
            Err(error) if is_gone(error.kind()) => Ok(None),
            opened => opened,
        }
    }
}
