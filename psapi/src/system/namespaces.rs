//! What ids mean: in which namespace the ids of processes and users are valid.

use crate::error::Result;
#[cfg(all(target_os = "linux", not(psapi_stub)))]
use crate::process_id::ProcessId;
use crate::sys;
use crate::system::System;

impl System {
    /// Returns true if the caller's own system calls use the process ids of this system.
    ///
    /// They do not if the proc file system belongs to another pid namespace. Windows has no pid
    /// namespaces, so the result is always true there.
    ///
    /// Source: `PROC/self/status`. Cost: cheap, one small file, read once. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the file cannot be read.
    pub fn is_of_own_pid_namespace(&self) -> Result<bool> {
        sys::is_of_own_pid_namespace(self.inner())
            .map_err(|source| self.error("pid namespace", source))
    }

    /// Returns true if the caller is in a user namespace that maps user ids.
    ///
    /// The user ids that this crate reports are then those of that namespace, and can mean other
    /// users outside of it. Always false on Windows.
    ///
    /// Source: `PROC/self/uid_map`. Cost: cheap, one small file. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the file cannot be read.
    pub fn maps_user_ids(&self) -> Result<bool> {
        sys::maps_user_ids(self.inner()).map_err(|source| self.error("map of user ids", source))
    }

    /// Returns the effective user id of a process, in the caller's user namespace. Linux only.
    ///
    /// Source: the owner of `PROC/PID`. Cost: cheap, one system call. Privileges: none, even for a
    /// process whose files cannot be read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchProcess`](crate::ErrorKind::NoSuchProcess) if no process has the id.
    #[cfg(all(target_os = "linux", not(psapi_stub)))]
    pub fn process_owner(&self, id: impl Into<ProcessId>) -> Result<u32> {
        sys::process_owner(self.inner(), id.into())
            .map_err(|source| self.error("owner of a process", source))
    }
}
