//! Failures of several processes, folded into one message for each reason.
//!
//! The library's errors have a remedy with every detail. A message of the command names the owner
//! of the process and the sufficient capabilities; the details are in the manual.

use std::ffi::OsStr;
use std::fmt::Write as _;

use psapi::{Error, ErrorKind, ProcessId};

use crate::sys::{privilege, texts};
use crate::users::Users;

/// Failures by reason, in the order of the first of each.
#[derive(Debug, Default)]
pub struct Failures(Vec<Failure>);

/// Failures of one operation for one reason.
#[derive(Debug)]
struct Failure {
    error: Error,
    processes: Vec<ProcessId>,
}

impl Failures {
    /// Adds a failure.
    pub fn add(&mut self, error: Error) {
        let process = error.process();
        match self.0.iter_mut().find(|failure| failure.is_like(&error)) {
            Some(failure) => failure.processes.extend(process),
            None => self.0.push(Failure {
                error,
                processes: process.into_iter().collect(),
            }),
        }
    }

    /// Returns a message for each reason, and a key that stays the same if the number of processes
    /// changes.
    pub fn messages(self, users: &mut Users) -> Vec<(String, String)> {
        let message = |failure: Failure| {
            let key = match failure.processes[..] {
                [_, _, ..] => failure.error.failure_of(failure.error.reason()),
                _ => failure.error.to_string(),
            };
            (key, failure.message(users))
        };
        self.0.into_iter().map(message).collect()
    }
}

/// Returns the message for one failure.
pub fn message(error: Error, users: &mut Users) -> String {
    let failure = Failure {
        processes: error.process().into_iter().collect(),
        error,
    };
    failure.message(users)
}

/// Returns a message for one failure without looking up the owner of the process.
pub fn without_owner(error: &Error) -> String {
    match error.capabilities() {
        [] => error.to_string(),
        capabilities => format!(
            "{}: {}; {}",
            error.failure(),
            error.reason(),
            privilege(capabilities)
        ),
    }
}

impl Failure {
    fn is_like(&self, error: &Error) -> bool {
        let parts = |error: &Error| (error.failure_of(""), error.reason(), error.capabilities());
        error.process().is_some()
            && !self.processes.is_empty()
            && self.error.kind() == error.kind()
            && parts(&self.error) == parts(error)
    }

    fn message(&self, users: &mut Users) -> String {
        let Failure { error, processes } = self;
        let what = match processes[..] {
            [] => error.failure(),
            [process] => error.failure_of(format_args!("process {process}")),
            _ => error.failure_of(counted(processes.len())),
        };
        let capabilities = error.capabilities();
        match error.kind() {
            ErrorKind::NoSuchProcess if !capabilities.is_empty() => format!(
                "{what}: no such process, or hidepid hides it; {}",
                privilege(capabilities)
            ),
            _ if !capabilities.is_empty() => match owners(processes, users) {
                Some(owners) => format!("{what}: {owners}; {}", privilege(capabilities)),
                None => format!("{what}: {}; {}", error.reason(), privilege(capabilities)),
            },
            ErrorKind::NoAddressSpace => format!("{what}: {}", texts::NO_ADDRESS_SPACE),
            _ if processes.len() < 2 => error.to_string(),
            _ => {
                let mut text = format!("{what}: {}", error.reason());
                if let Some(remedy) = error.remedy() {
                    // Writing to a String cannot fail.
                    let _ = write!(text, ". {remedy}");
                }
                text
            }
        }
    }
}

/// Returns a number of processes with the noun.
pub fn counted(processes: usize) -> String {
    match processes {
        1 => "1 process".to_owned(),
        _ => format!("{processes} processes"),
    }
}

/// Returns the owners of processes; `None` if none is known.
pub fn owners(processes: &[ProcessId], users: &mut Users) -> Option<String> {
    let mut owners = Vec::new();
    for &process in processes {
        if let Some(owner) = users.owner(process)
            && !owners.contains(&owner)
        {
            owners.push(owner);
        }
    }
    let name = |owner: &OsStr| owner.to_string_lossy().into_owned();
    Some(match &owners[..] {
        [] => return None,
        [one] => format!("owned by {}", name(one)),
        [one, other] => format!("owned by {}, {}", name(one), name(other)),
        [one, other, ..] => format!("owned by {}, {}, others", name(one), name(other)),
    })
}
