//! Whether a proc root hides processes from the caller.
//!
//! With the mount option `hidepid=2` or `hidepid=4`, opening the directory of a hidden process
//! fails with `ENOENT`, as if the process had ended. The error message mentions this possibility.

use rustix::process::{getegid, getgroups};
use rustix::thread::{CapabilitySet, capabilities};

use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc::mounts::{self, HidePid};

/// Returns true if the proc root is mounted so that it might hide processes from the caller.
/// Returns false if the mount options cannot be read.
pub(crate) fn may_hide_processes(proc: &Dir) -> bool {
    let mut mounts = Vec::new();
    if proc.read(b"self/mounts", &mut mounts).is_err() {
        return false;
    }
    let mount_point = std::fs::canonicalize(proc.path());
    let hidepid = mount_point
        .ok()
        .and_then(|mount_point| mounts::hidepid(&mounts, &mount_point));
    hidepid.is_some_and(|hidepid| !sees_all(proc, hidepid))
}

/// Returns true if the caller sees all processes: it has `CAP_SYS_PTRACE` or is in the `gid=`
/// group.
///
/// `CAP_SYS_PTRACE` counts only in the user namespace that owns the proc file system, and the
/// caller can be root in a newer user namespace. Process 1, which always exists, detects that. In a
/// proc file system older than the caller's user namespace, process 1 belongs to another user and
/// is hidden.
fn sees_all(proc: &Dir, hidepid: HidePid) -> bool {
    let may_trace = || {
        let sets = capabilities(None);
        sets.is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_PTRACE))
    };
    let is_member = |group: u32| {
        let groups = getgroups().unwrap_or_default();
        groups
            .iter()
            .chain([&getegid()])
            .any(|gid| gid.as_raw() == group)
    };
    proc.try_attributes(b"1").is_ok() && (may_trace() || hidepid.group.is_some_and(is_member))
}
