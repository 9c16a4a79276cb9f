//! Whom a question is about: a pid or a name.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::builder::{OsStringValueParser, TypedValueParser};
use psapi::{Capture, ErrorKind, Fields, Process, ProcessId, ProcessStatus, System};

use crate::explain;
use crate::output::printable;
use crate::pattern::Pattern;
use crate::session::Session;

/// Processes to ask.
#[derive(Debug, clap::Args)]
pub struct Targets {
    /// A pid, or a process's name: exact or with `*` and `?`. A name means all that go by it
    #[arg(value_name = "TARGET", required = true, value_parser = named())]
    targets: Vec<OsString>,
}

/// A process to ask.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// A pid, or a process's name: exact or with `*` and `?`. A name means all that go by it
    #[arg(value_name = "TARGET", value_parser = named())]
    target: OsString,
}

/// What names nothing is no target.
fn named() -> impl TypedValueParser<Value = OsString> {
    let named = |text: OsString| (!text.is_empty()).then_some(text);
    OsStringValueParser::new().try_map(move |text| named(text).ok_or("a pid or a name is expected"))
}

/// A pid, for options that take nothing else. The kernel gives none above `PID_MAX_LIMIT`, which is
/// what the message tells; what does not exist is not refused here.
pub fn parse_id(text: &str) -> Result<ProcessId, &'static str> {
    let id = text.parse().ok().filter(|&id| id > 0);
    id.map(ProcessId::new)
        .ok_or("a process id is a number from 1 to 4194304")
}

impl Targets {
    /// Asks each process that the targets name, once, by ascending id within a target. A target
    /// that names none, and an answer that is refused, are reported, and the others still asked.
    pub fn ask(&self, session: &mut Session, ask: impl FnMut(&Process) -> psapi::Result<()>) {
        self.watch().ask(session, ask);
    }

    /// The rows that the processes answer with, and how many processes those are of.
    pub fn rows<Row>(
        &self,
        session: &mut Session,
        mut rows_of: impl FnMut(&Process) -> psapi::Result<Vec<Row>>,
    ) -> (Vec<Row>, usize) {
        let (mut rows, mut processes) = (Vec::new(), 0);
        self.ask(session, |process| {
            rows.append(&mut rows_of(process)?);
            processes += 1;
            Ok(())
        });
        (rows, processes)
    }

    /// For asking more than once.
    pub fn watch(&self) -> Watch {
        Watch::new(&self.targets)
    }
}

impl Target {
    /// As [`Targets::ask`].
    pub fn ask(&self, session: &mut Session, ask: impl FnMut(&Process) -> psapi::Result<()>) {
        Watch::new(std::slice::from_ref(&self.target)).ask(session, ask);
    }
}

impl Target {
    /// The process that is meant, for what can be asked of one alone. `None`, and reported, if there
    /// is none.
    pub fn one(&self, session: &mut Session) -> Result<Option<Process>> {
        let mut ids = Vec::new();
        self.ask(session, |process| {
            ids.push(process.id());
            Ok(())
        });
        match ids[..] {
            [] => Ok(None),
            [id] => Ok(Some(session.system.process(id)?)),
            _ => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                let name = printable(self.target.as_bytes());
                Err(anyhow!(
                    "several processes are named {name}: say which of {}",
                    ids.join(", ")
                ))
            }
        }
    }
}

/// Targets that are asked again and again: an id goes on to mean the process that had it at first,
/// and a name whoever goes by it at the time.
#[derive(Debug)]
pub struct Watch {
    targets: Vec<(OsString, Option<Pin>)>,
    /// What was reported of the time before: it is not said again as long as it stays so.
    said: HashSet<String>,
}

impl Watch {
    fn new(targets: &[OsString]) -> Self {
        let target = |target: &OsString| (target.clone(), None);
        Watch {
            targets: targets.iter().map(target).collect(),
            said: HashSet::new(),
        }
    }

    /// As [`Targets::ask`]. A process that was given by its id and has ended is not asked for again.
    pub fn ask(
        &mut self,
        session: &mut Session,
        mut ask: impl FnMut(&Process) -> psapi::Result<()>,
    ) {
        let mut round = Round {
            session,
            names: Names::default(),
            asked: Vec::new(),
            said: &self.said,
            say: HashSet::new(),
        };
        self.targets
            .retain_mut(|(target, pin)| round.ask(target, pin, &mut ask));
        self.said = round.say;
    }
}

/// Asking the targets once.
struct Round<'a> {
    session: &'a mut Session,
    names: Names,
    asked: Vec<ProcessId>,
    said: &'a HashSet<String>,
    say: HashSet<String>,
}

impl Round<'_> {
    /// Tells whether the target may have an answer the next time.
    fn ask(
        &mut self,
        target: &OsString,
        pin: &mut Option<Pin>,
        ask: &mut impl FnMut(&Process) -> psapi::Result<()>,
    ) -> bool {
        let result = match self.by_id(target, pin) {
            Ok(Some(process)) => {
                if self.asked.contains(&process.id()) {
                    return true;
                }
                self.asked.push(process.id());
                ask(&process).map_err(Into::into)
            }
            Ok(None) => self.ask_named(target, ask),
            Err(error) => Err(error),
        };
        let Err(error) = result else { return true };
        self.report(format!("{error:#}"));
        let kind = error.downcast_ref().map(psapi::Error::kind);
        !(error.is::<HasEnded>() || kind.is_some_and(is_gone))
    }

    /// The process that has the target as its id, or had it at first. A process may be named by
    /// digits: an id goes first.
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

    fn ask_named(
        &mut self,
        target: &OsString,
        ask: &mut impl FnMut(&Process) -> psapi::Result<()>,
    ) -> Result<()> {
        let mut found = false;
        for pin in self.names.find(target, &self.session.system)? {
            // What ended meanwhile, or handed its id on, is not there any more.
            let Some(process) = pin.open(&self.session.system)? else {
                continue;
            };
            found = true;
            if self.asked.contains(&pin.id) {
                continue;
            }
            self.asked.push(pin.id);
            match ask(&process) {
                Err(error) if error.kind() == ErrorKind::Ended => {}
                Err(error) => self.report(error.to_string()),
                Ok(()) => {}
            }
        }
        if found {
            return Ok(());
        }
        // What looks like an id was meant as one.
        if let Some(id) = as_id(target) {
            self.session.system.process(id)?;
        }
        let absent = format!("no process is named {}", printable(target.as_bytes()));
        let system = &self.session.system;
        let reasons = [
            explain::unread(system, "names", &self.names.undecided(target)),
            explain::hidden(system).map(str::to_owned),
        ];
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        let message = match &reasons[..] {
            [] => absent.clone(),
            _ => format!("{absent}, as far as can be told: {}", reasons.join("; ")),
        };
        // Of how many that holds may change from sample to sample.
        self.report_as(absent, &message);
        Ok(())
    }

    fn report(&mut self, message: String) {
        self.report_as(message.clone(), &message);
    }

    /// Reports what is the same as before if its key is.
    fn report_as(&mut self, key: String, message: &str) {
        if !self.said.contains(&key) && !self.say.contains(&key) {
            self.session.report(message);
        }
        self.say.insert(key);
    }
}

fn as_id(target: &OsStr) -> Option<ProcessId> {
    target.to_str()?.parse().ok()
}

/// Whether there is no such process, or not any more.
pub fn is_gone(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NoSuchProcess | ErrorKind::Ended)
}

/// That a process which was there is there no more. Its id may be another's by now.
#[derive(Debug)]
pub struct HasEnded(pub ProcessId);

impl fmt::Display for HasEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} has ended", self.0)
    }
}

impl std::error::Error for HasEnded {}

/// One process, told from a later one with its id by when it started. A [`Process`] does so, too, but
/// holds a descriptor, and there may be more targets than descriptors.
#[derive(Debug, Clone, Copy)]
pub struct Pin {
    pub id: ProcessId,
    start: Option<Duration>,
}

impl Pin {
    /// The process that a status is of.
    pub fn new(status: &ProcessStatus) -> Self {
        Pin {
            id: status.id,
            start: status.start,
        }
    }

    /// Whether a status is of this process, as far as the two can tell.
    pub fn is_of(&self, status: &ProcessStatus) -> bool {
        let differ = self.start.zip(status.start).is_some_and(|(a, b)| a != b);
        self.id == status.id && !differ
    }

    /// Opens the process, unless it has ended.
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

/// All processes by name, read when first needed.
#[derive(Debug, Default)]
struct Names(Option<Capture>);

impl Names {
    fn find(&mut self, name: &OsStr, system: &System) -> Result<Vec<Pin>> {
        let capture = match self.0.take() {
            Some(capture) => capture,
            None => system.capture(Fields::STAT | Fields::IMAGE)?,
        };
        let pattern = Pattern::new(name);
        let found = capture
            .processes()
            .iter()
            .filter(|status| pattern.matches_process(status) == Some(true))
            .map(Pin::new)
            .collect();
        self.0 = Some(capture);
        Ok(found)
    }

    /// The processes of which can't be told whether they go by a name.
    fn undecided(&self, name: &OsStr) -> Vec<&ProcessStatus> {
        let pattern = Pattern::new(name);
        let processes = self.0.as_ref().map_or(&[][..], Capture::processes);
        processes
            .iter()
            .filter(|status| pattern.matches_process(status).is_none())
            .collect()
    }
}
