//! Users: accounts.

use std::ffi::{OsStr, OsString};

use psapi::{Fields, ProcessId, ProcessStatus, Sid, System};

use super::account::{account_name, account_sid};
use crate::sys::not_found::NotFound;

/// The id of a user.
pub type UserId = Sid;

/// The accounts of the machine and of its domains.
#[derive(Debug)]
pub struct Accounts {
    system: System,
}

impl Accounts {
    pub fn new(system: System) -> Self {
        Accounts { system }
    }

    /// Returns the user who owns a process.
    pub fn owner(&self, process: ProcessId) -> Option<UserId> {
        let process = self.system.process(process).ok()?;
        user_of(&process.status(Fields::USER).ok()?)
    }

    /// Parses the name of an account, with or without its domain, or a security identifier.
    pub fn parse(&mut self, text: &str) -> Option<UserId> {
        text.parse().ok().or_else(|| account_sid(OsStr::new(text)))
    }

    /// Returns the name of a user.
    pub fn name(&mut self, id: UserId) -> Result<OsString, NotFound> {
        account_name(id)
    }
}

/// Returns the user of a process, if it was read.
pub fn user_of(status: &ProcessStatus) -> Option<UserId> {
    status.user?.sid()
}
