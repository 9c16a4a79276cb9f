//! Names of users, each looked up once.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use psapi::ProcessStatus;

/// The names of the users that were seen.
#[derive(Debug, Default)]
pub struct Users(HashMap<u32, Option<OsString>>);

impl Users {
    /// Looks up the names that are not known yet.
    pub fn learn<'a>(&mut self, statuses: impl Iterator<Item = &'a ProcessStatus>) {
        for user in statuses.filter_map(|status| status.user) {
            let id = user.effective_user;
            self.0.entry(id).or_insert_with(|| {
                uzers::get_user_by_uid(id).map(|user| user.name().to_os_string())
            });
        }
    }

    /// The name of the user whose rights a process has, if that was looked up and there is one.
    pub fn of(&self, status: &ProcessStatus) -> Option<&OsStr> {
        self.0.get(&status.user?.effective_user)?.as_deref()
    }
}

/// A user's id, from a name or a number. A name may be all digits: names go first.
pub fn parse_user(text: &str) -> Result<u32, String> {
    uzers::get_user_by_name(text)
        .map(|user| user.uid())
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "no such user".to_owned())
}
