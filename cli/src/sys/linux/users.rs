//! User names of the inspected system.
//!
//! The names of the caller's own system come from the C library, which asks every service that
//! `nsswitch.conf` names. Another system's names come from the file `etc/passwd` below its root. A
//! user whose database is out of reach has no name; tables then show the id.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use nix::unistd::{Uid, User};
use psapi::{ErrorKind, Owner, ProcessId, ProcessStatus, System};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags};

use crate::sys::not_found::NotFound;

/// The id of a user.
pub type UserId = u32;

/// The users of a system.
#[derive(Debug)]
pub struct Accounts {
    system: System,
    /// `None` until a name is needed, and after a failure to read the database.
    database: Option<Database>,
}

/// Where the names of users are.
#[derive(Debug)]
enum Database {
    /// In the services that the C library asks.
    Services,
    /// In a file that was read: each user's name and id.
    File(Vec<(OsString, u32)>),
    /// Out of reach.
    Unknown,
}

impl Accounts {
    pub fn new(system: System) -> Self {
        Accounts {
            system,
            database: None,
        }
    }

    /// Returns the user who owns a process, which can be unreadable otherwise.
    pub fn owner(&self, process: ProcessId) -> Option<UserId> {
        self.system.process_owner(process).ok()
    }

    /// Parses a user name or id. Names take precedence, because a name can consist of digits.
    pub fn parse(&mut self, text: &str) -> Option<UserId> {
        let named = match self.database() {
            Some(Database::Services) => {
                let user = User::from_name(text).ok().flatten();
                user.map(|user| user.uid.as_raw())
            }
            Some(Database::File(users)) => {
                let mut users = users.iter();
                users.find(|(name, _)| name == text).map(|&(_, id)| id)
            }
            Some(Database::Unknown) | None => None,
        };
        named.or_else(|| text.parse().ok())
    }

    /// Returns the name of a user.
    pub fn name(&mut self, id: UserId) -> Result<OsString, NotFound> {
        let name = match self.database().ok_or(NotFound::Unknown)? {
            Database::Services => {
                let user = User::from_uid(Uid::from_raw(id));
                let user = user.map_err(|_| NotFound::Unknown)?;
                user.map(|user| user.name.into())
            }
            Database::File(users) => {
                let mut users = users.iter();
                let found = users.find(|&&(_, of)| of == id);
                found.map(|(name, _)| name.clone())
            }
            Database::Unknown => None,
        };
        name.ok_or(NotFound::Absent)
    }

    /// Returns the database; `None` if it cannot be read now.
    fn database(&mut self) -> Option<&Database> {
        if self.database.is_none() {
            self.database = find_database(&self.system);
        }
        self.database.as_ref()
    }
}

/// Returns the effective user of a process, if it was read.
pub fn user_of(status: &ProcessStatus) -> Option<UserId> {
    let ids = status.user.and_then(Owner::ids)?;
    Some(ids.effective_user)
}

fn find_database(system: &System) -> Option<Database> {
    let root = system.file_root();
    if is_own_root(root)? {
        return Some(if lists_container_host(system)? {
            Database::Unknown
        } else {
            Database::Services
        });
    }
    // The ids are those of the caller's user namespace, and the file has those of another one.
    if system.maps_user_ids().ok()? {
        return Some(Database::Unknown);
    }
    match read_below(root, "etc/passwd") {
        Ok(text) => Some(Database::File(parse(&text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Database::Unknown),
        Err(_) => None,
    }
}

fn is_own_root(root: &Path) -> Option<bool> {
    let own = Path::new("/");
    if root == own {
        return Some(true);
    }
    // Another mount of the same directory can have other files below it. Before Linux 5.8, the
    // kernel does not report the mount, and all have the id 0.
    let identity = |path| {
        let wanted = StatxFlags::INO | StatxFlags::MNT_ID;
        let found = rustix::fs::statx(CWD, path, AtFlags::empty(), wanted).ok()?;
        let device = (found.stx_dev_major, found.stx_dev_minor);
        Some((device, found.stx_ino, found.stx_mnt_id))
    };
    Some(identity(root)? == identity(own)?)
}

/// Returns true if the caller is in a container, and the proc file system lists the processes of
/// the container's host. The host has other users, unless the container has ids of its own, which
/// the kernel then reports.
fn lists_container_host(system: &System) -> Option<bool> {
    if system.proc_root() == Path::new("/proc") || system.is_of_own_pid_namespace().ok()? {
        return Some(false);
    }
    // Only the outer namespace contains the processes of the inner one.
    let contains_caller = match system.current_process() {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::NoSuchProcess => false,
        Err(_) => return None,
    };
    Some(contains_caller && !system.maps_user_ids().ok()?)
}

/// Reads a regular file. An absolute symbolic link leads to a file below the root, not to the
/// caller's own.
fn read_below(root: &Path, file: &str) -> io::Result<Vec<u8>> {
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, directory, Mode::empty())?;
    // Opening a pipe must not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::openat2(&root, file, flags, Mode::empty(), ResolveFlags::IN_ROOT);
    let mut file = File::from(opened?);
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

/// Parses lines such as `name:x:1000:1000:…`. Other lines are skipped.
fn parse(text: &[u8]) -> Vec<(OsString, u32)> {
    let lines = text.split(|&byte| byte == b'\n');
    let users = lines.filter_map(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let id = str::from_utf8(fields.nth(1)?).ok()?;
        Some((OsString::from_vec(name.to_vec()), id.parse().ok()?))
    });
    users.collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn first_user_with_an_id_counts() {
        let users =
            parse(b"root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n# comment\n+::::::\nx:y\n");
        let names: Vec<&[u8]> = users.iter().map(|(name, _)| name.as_bytes()).collect();
        assert_eq!(names, [&b"root"[..], b"toor"]);
        assert!(users.iter().all(|&(_, id)| id == 0));
    }
}
