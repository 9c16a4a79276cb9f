//! Whether process ids below a proc root are valid in the caller's own system calls.
//!
//! A proc file system shows the ids of one pid namespace, and system calls such as `pidfd_open`
//! take ids of the caller's namespace. With a proc root such as `/host/proc` the two can differ,
//! and an id from the files would reach an unrelated process.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::{decimal, key_value, whole_lines};

/// Returns the value of a line of `PROC/self/status`.
fn value_of<'s>(status: &'s [u8], name: &[u8]) -> Option<&'s [u8]> {
    let mut lines = whole_lines(status).filter_map(key_value);
    lines.find_map(|(key, value)| (key == name).then_some(value))
}

/// Returns true if the proc file system belongs to the pid namespace of its reader, whose id is
/// `id`.
///
/// `NSpid` (Linux 4.1) lists one id of the reader for each pid namespace. The first is that of the
/// proc file system, and the last is the reader's own. With a single id, both are the same
/// namespace.
///
/// Without the line, the kernel is older, or it was built without pid namespaces. In the second
/// case, there is only one namespace, and the line `Pid` is sufficient.
fn is_only_id<E>(
    status: &[u8],
    id: u64,
    has_pid_namespaces: impl FnOnce() -> Result<bool, E>,
) -> Result<bool, E> {
    if let Some(ids) = value_of(status, b"NSpid") {
        return Ok(decimal(ids) == Some(id));
    }
    Ok(value_of(status, b"Pid").and_then(decimal) == Some(id) && !has_pid_namespaces()?)
}

/// Whether a proc file system belongs to the caller's pid namespace, cached once it is known.
///
/// A forked child can be in another namespace and inherits the cache, so the cache is valid only
/// for the process that filled it.
#[derive(Debug, Default)]
pub(crate) struct OwnNamespace(AtomicU64);

impl OwnNamespace {
    /// Returns true if `proc` belongs to the caller's pid namespace. Fails if that cannot be read
    /// now, for instance because the caller has no free descriptor.
    pub(crate) fn contains<'d>(
        &self,
        proc: impl FnOnce() -> Result<&'d Dir, SourceError>,
    ) -> Result<bool, SourceError> {
        let caller = u64::from(std::process::id());
        // The id of the process that filled the cache, then one bit for the result. No process has
        // the id 0, so the initial value matches no caller.
        let cached = self.0.load(Ordering::Relaxed);
        if cached >> 1 == caller {
            return Ok(cached & 1 == 1);
        }
        let proc = proc()?;
        let mut status = Vec::new();
        match proc.read(b"self/status", &mut status) {
            Ok(()) => {}
            // The namespace of the proc file system does not contain the caller.
            Err(error) if error.is(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error),
        }
        let is_own = is_only_id(&status, caller, || {
            const FILE: &[u8] = b"self/ns/pid";
            match proc.try_attributes(FILE) {
                Ok(_) => Ok(true),
                Err(Errno::NOENT) => Ok(false),
                Err(errno) => Err(proc.error_at(FILE, errno)),
            }
        })?;
        self.0
            .store(caller << 1 | u64::from(is_own), Ordering::Relaxed);
        Ok(is_own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_own(status: &[u8], id: u64, has_pid_namespaces: bool) -> bool {
        let known = Ok::<_, std::convert::Infallible>(has_pid_namespaces);
        is_only_id(status, id, || known).unwrap()
    }

    #[test]
    fn single_id_means_own_namespace() {
        assert!(is_own(b"Name:\tx\nNSpid:\t42\n", 42, true));
        assert!(!is_own(b"NSpid:\t42\n", 43, true));
        assert!(!is_own(b"NSpid:\t42\t7\n", 42, true));
        assert!(!is_own(b"NSpid:\t42\t42\n", 42, true));
        assert!(!is_own(b"Pid:\t42\nNSpid:\t42\t7\n", 42, true));
        assert!(!is_own(b"Pid:\t42\n", 42, true));
        assert!(!is_own(b"NSpid:\t42", 42, true));
    }

    #[test]
    fn kernel_without_namespaces_has_one() {
        assert!(is_own(b"Name:\tx\nPid:\t42\nPPid:\t1\n", 42, false));
        assert!(!is_own(b"Pid:\t43\n", 42, false));
        assert!(!is_own(b"Name:\tx\n", 42, false));
    }
}
