//! Users: accounts, each looked up once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use psapi::{Fields, ProcessId, ProcessStatus, Sid, System};

use super::account::{NotFound, account_name, account_sid};

/// The id of a user.
pub type UserId = Sid;

/// A cache of the names of accounts.
#[derive(Debug)]
pub struct Users {
    system: System,
    /// `None` for an account without a name.
    names: HashMap<Sid, Option<OsString>>,
}

impl Users {
    pub fn new(system: System) -> Self {
        Users {
            system,
            names: HashMap::new(),
        }
    }

    /// Looks up the users of some processes.
    pub fn look_up<'a>(&mut self, statuses: impl Iterator<Item = &'a ProcessStatus>) {
        for user in statuses.filter_map(user_of) {
            self.look_up_id(user);
        }
    }

    /// Returns the name of the user of a process, if it was looked up and exists.
    pub fn of(&self, status: &ProcessStatus) -> Option<&OsStr> {
        self.names.get(&user_of(status)?)?.as_deref()
    }

    /// Returns the name of the owner of a process, or the identifier of an owner without a name.
    /// `None` if the owner cannot be read.
    pub fn owner(&mut self, process: ProcessId) -> Option<OsString> {
        let process = self.system.process(process).ok()?;
        let id = user_of(&process.status(Fields::USER).ok()?)?;
        self.look_up_id(id);
        let name = self.names.get(&id).cloned().flatten();
        Some(name.unwrap_or_else(|| id.to_string().into()))
    }

    /// Parses the name of an account, with or without its domain, or a security identifier.
    pub fn parse(&mut self, text: &str) -> Option<UserId> {
        text.parse().ok().or_else(|| account_sid(OsStr::new(text)))
    }

    fn look_up_id(&mut self, id: Sid) {
        if self.names.contains_key(&id) {
            return;
        }
        match account_name(id) {
            Ok(name) => self.names.insert(id, Some(name)),
            Err(NotFound::Absent) => self.names.insert(id, None),
            // A failure says nothing about the account, so it is not kept.
            Err(NotFound::Unknown) => return,
        };
    }
}

/// Returns the user of a process, if it was read.
pub fn user_of(status: &ProcessStatus) -> Option<UserId> {
    status.user?.sid()
}
