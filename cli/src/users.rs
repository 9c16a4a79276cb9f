//! Names of users, each looked up once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use psapi::{ProcessId, ProcessStatus, System};

use crate::sys::{Accounts, NotFound, UserId, user_of};

/// A cache of user names.
#[derive(Debug)]
pub struct Users {
    accounts: Accounts,
    /// `None` for a user without a name.
    names: HashMap<UserId, Option<OsString>>,
}

impl Users {
    pub fn new(system: System) -> Self {
        Users {
            accounts: Accounts::new(system),
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

    /// Returns the name of the owner of a process, or the id of an owner without a name. `None` if
    /// the owner cannot be read.
    pub fn owner(&mut self, process: ProcessId) -> Option<OsString> {
        let id = self.accounts.owner(process)?;
        self.look_up_id(id);
        let name = self.names.get(&id).cloned().flatten();
        Some(name.unwrap_or_else(|| id.to_string().into()))
    }

    /// Parses the name or the id of a user.
    pub fn parse(&mut self, text: &str) -> Option<UserId> {
        self.accounts.parse(text)
    }

    fn look_up_id(&mut self, id: UserId) {
        if self.names.contains_key(&id) {
            return;
        }
        match self.accounts.name(id) {
            Ok(name) => self.names.insert(id, Some(name)),
            Err(NotFound::Absent) => self.names.insert(id, None),
            // A failure says nothing about the user, so it is not kept.
            Err(NotFound::Unknown) => return,
        };
    }
}
