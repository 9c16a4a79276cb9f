//! Whom a question is about: a pid or a name.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::builder::{OsStringValueParser, TypedValueParser};
use psapi::{Capture, ErrorKind, Fields, Process, ProcessId, System};

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
        ask_each(&self.targets, session, ask);
    }
}

impl Target {
    /// As [`Targets::ask`].
    pub fn ask(&self, session: &mut Session, ask: impl FnMut(&Process) -> psapi::Result<()>) {
        ask_each(std::slice::from_ref(&self.target), session, ask);
    }
}

fn ask_each(
    targets: &[OsString],
    session: &mut Session,
    mut ask: impl FnMut(&Process) -> psapi::Result<()>,
) {
    let mut names = Names::default();
    let mut asked = Vec::new();
    for target in targets {
        let result = match by_id(target, &session.system) {
            Ok(Some(process)) => {
                if asked.contains(&process.id()) {
                    continue;
                }
                asked.push(process.id());
                ask(&process).map_err(Into::into)
            }
            Ok(None) => ask_named(target, session, &mut names, &mut asked, &mut ask),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = result {
            session.report(format_args!("{error:#}"));
        }
    }
}

/// The process that has the target as its id. A process may be named by digits: an id goes first.
fn by_id(target: &OsString, system: &System) -> psapi::Result<Option<Process>> {
    let Some(id) = target
        .to_str()
        .and_then(|text| text.parse::<ProcessId>().ok())
    else {
        return Ok(None);
    };
    match system.process(id) {
        Ok(process) => Ok(Some(process)),
        Err(error) if error.kind() == ErrorKind::NoSuchProcess => Ok(None),
        Err(error) => Err(error),
    }
}

fn ask_named(
    target: &OsString,
    session: &mut Session,
    names: &mut Names,
    asked: &mut Vec<ProcessId>,
    ask: &mut impl FnMut(&Process) -> psapi::Result<()>,
) -> Result<()> {
    let mut found = false;
    for (id, start) in names.find(target, &session.system)? {
        // What ended meanwhile, or handed its id on, is not there any more.
        let Some(process) = reopen(&session.system, id, start)? else {
            continue;
        };
        found = true;
        if asked.contains(&id) {
            continue;
        }
        asked.push(id);
        match ask(&process) {
            Err(error) if error.kind() == ErrorKind::Ended => {}
            Err(error) => session.report(error),
            Ok(()) => {}
        }
    }
    if found {
        return Ok(());
    }
    // What looks like an id was meant as one.
    if let Some(id) = target
        .to_str()
        .and_then(|text| text.parse::<ProcessId>().ok())
    {
        session.system.process(id)?;
    }
    Err(anyhow!(
        "no process is named {}",
        printable(target.as_bytes())
    ))
}

fn reopen(system: &System, id: ProcessId, start: Option<Duration>) -> Result<Option<Process>> {
    let opened = system
        .process(id)
        .and_then(|process| Ok((process.status(Fields::STAT)?.start == start).then_some(process)));
    match opened {
        Ok(process) => Ok(process),
        Err(error) if matches!(error.kind(), ErrorKind::NoSuchProcess | ErrorKind::Ended) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// All processes by name, read when first needed.
#[derive(Debug, Default)]
struct Names(Option<Capture>);

impl Names {
    fn find(
        &mut self,
        name: &OsString,
        system: &System,
    ) -> Result<Vec<(ProcessId, Option<Duration>)>> {
        let capture = match self.0.take() {
            Some(capture) => capture,
            None => system.capture(Fields::STAT | Fields::IMAGE)?,
        };
        let pattern = Pattern::new(name);
        let found = capture
            .processes()
            .iter()
            .filter(|status| pattern.matches_process(status))
            .map(|status| (status.id, status.start))
            .collect();
        self.0 = Some(capture);
        Ok(found)
    }
}
