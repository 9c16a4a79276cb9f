//! Whether a proc root hides processes from the caller.

use rustix::process::{getegid, getgroups};
use rustix::thread::{CapabilitySet, capabilities};

use super::file::Directory;
use super::mounts::{self, Hiding};

/// Whether it may, by what the root says of itself; not, where it does not say.
pub(crate) fn may_be(proc: &Directory) -> bool {
    let mut mounts = Vec::new();
    if proc.read(b"self/mounts", &mut mounts).is_err() {
        return false;
    }
    let place = std::fs::canonicalize(proc.path());
    let hiding = place.ok().and_then(|place| mounts::hiding(&mounts, &place));
    hiding.is_some_and(|hiding| !sees_all(proc, hiding))
}

/// The first process is there as long as any is. Who sees it and has the right to see all may have
/// that right in a user namespace of its own; but of a proc file system that is older than that
/// namespace, the first process is another user's.
fn sees_all(proc: &Directory, hiding: Hiding) -> bool {
    let may_trace = || {
        let sets = capabilities(None);
        sets.is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_PTRACE))
    };
    let is_in = |group: u32| {
        let own = getgroups().unwrap_or_default();
        own.iter()
            .chain([&getegid()])
            .any(|own| own.as_raw() == group)
    };
    proc.try_attributes(b"1").is_ok() && (may_trace() || hiding.group.is_some_and(is_in))
}
