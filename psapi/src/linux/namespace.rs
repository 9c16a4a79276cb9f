//! Whether a proc file system speaks of processes by the ids that system calls know.

use std::sync::atomic::{AtomicU64, Ordering};

use super::file::Directory;
use super::text::{decimal, key_value, whole_lines};

/// Parses `NSpid` of `PROC/self/status`: the reader's ids, from the pid namespace of the proc
/// file system to its own. One id says that these are the same.
fn is_only_id(status: &[u8], id: u64) -> bool {
    whole_lines(status)
        .filter_map(key_value)
        .any(|(key, ids)| key == b"NSpid" && decimal(ids) == Some(id))
}

/// Whether a proc file system is of the caller's own pid namespace, once that was found out. A child
/// that was forked may be in another namespace: it finds out anew.
#[derive(Debug, Default)]
pub(crate) struct OwnNamespace(AtomicU64);

impl OwnNamespace {
    pub(crate) fn holds<'d>(&self, proc: impl FnOnce() -> Option<&'d Directory>) -> bool {
        let asker = u64::from(std::process::id());
        // Who asked last, above the answer. No process has the id 0.
        let known = self.0.load(Ordering::Relaxed);
        if known >> 1 == asker {
            return known & 1 == 1;
        }
        let mut status = Vec::new();
        let is_own = proc().is_some_and(|proc| proc.read(b"self/status", &mut status).is_ok())
            && is_only_id(&status, asker);
        self.0
            .store(asker << 1 | u64::from(is_own), Ordering::Relaxed);
        is_own
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
