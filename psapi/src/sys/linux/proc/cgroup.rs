//! `PROC/PID/cgroup`: the control groups of a process. The parser is in [`crate::cgroup`].
//!
//! On the unified hierarchy, a process that has exited keeps its group until it is reaped. If the
//! group is removed before that, the kernel appends ` (deleted)` to its path. The name of a group
//! can also end that way.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::cgroup::{DELETED, lines};

/// Returns true if the kernel has marked the group as deleted. `is_exiting` returns whether the
/// process has exited or is about to; a group with other processes cannot be removed.
pub(crate) fn is_deleted(text: &[u8], sys_root: &Path, is_exiting: impl FnOnce() -> bool) -> bool {
    let mut unified = lines(text).filter(|line| line.hierarchy == 0);
    let Some(line) = unified.find(|line| line.path.ends_with(DELETED)) else {
        return false;
    };
    is_exiting() && !exists(sys_root, line.path)
}

/// Returns true if there is a group with this path. The unified hierarchy is usually mounted at one
/// of two places.
fn exists(sys_root: &Path, path: &[u8]) -> bool {
    let path = OsStr::from_bytes(path.strip_prefix(b"/").unwrap_or(path));
    ["fs/cgroup", "fs/cgroup/unified"]
        .iter()
        .any(|mount_point| sys_root.join(mount_point).join(path).is_dir())
}
