//! Whether a proc file system speaks of processes by the ids that system calls know.

use rustix::process::Pid;

use super::file::Directory;
use super::text::{decimal, key_value, whole_lines};

/// Parses `NSpid` of `PROC/self/status`: the reader's ids, from the pid namespace of the proc
/// file system to its own. One id says that these are the same.
fn is_only_id(status: &[u8], id: u64) -> bool {
    whole_lines(status)
        .filter_map(key_value)
        .any(|(key, ids)| key == b"NSpid" && decimal(ids) == Some(id))
}

/// Whether a proc file system is of the caller's own pid namespace.
#[derive(Debug)]
pub(crate) struct OwnNamespace {
    is_own: bool,
    /// Who asked: a child of it may be in another namespace.
    asker: Pid,
}

impl OwnNamespace {
    pub(crate) fn find(proc: Option<&Directory>) -> Self {
        let asker = rustix::process::getpid();
        let mut status = Vec::new();
        let id = u64::from(asker.as_raw_nonzero().get().unsigned_abs());
        OwnNamespace {
            is_own: proc.is_some_and(|proc| proc.read(b"self/status", &mut status).is_ok())
                && is_only_id(&status, id),
            asker,
        }
    }

    pub(crate) fn holds(&self) -> bool {
        self.is_own && self.asker == rustix::process::getpid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_is_the_own_namespace() {
        assert!(is_only_id(b"Name:\tx\nNSpid:\t42\n", 42));
        assert!(!is_only_id(b"NSpid:\t42\n", 43));
        assert!(!is_only_id(b"NSpid:\t42\t7\n", 42));
        assert!(!is_only_id(b"NSpid:\t42\t42\n", 42));
        assert!(!is_only_id(b"Pid:\t42\n", 42));
        assert!(!is_only_id(b"NSpid:\t42", 42));
    }
}
