//! The entry point: a system, and its methods.
//!
//! Methods for device drivers, page files and performance figures have a file each. Methods for one
//! process are in `process`.

mod drivers;
mod namespaces;
mod page_files;
mod performance;
mod threads;

#[cfg(all(target_os = "linux", not(psapi_stub)))]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Operation, Result, SourceError};
use crate::process_id::ProcessId;
use crate::sys;

/// A running system: the entry point of this crate.
///
/// On Linux, its data comes from a proc and a sys file system.
///
/// A system is cheap to clone; clones share their open descriptors. Nothing is opened before the
/// first use.
///
/// ```
/// let system = psapi::System::new();
/// let ids = system.process_ids()?;
/// assert!(ids.iter().any(|id| id.get() == std::process::id()));
/// # Ok::<(), psapi::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct System(Arc<sys::System>);

impl Default for System {
    fn default() -> Self {
        System::builder().build()
    }
}

impl System {
    /// Creates a handle to this machine; on Linux, to `/proc` and `/sys`.
    pub fn new() -> Self {
        System::default()
    }

    /// Creates a builder for a system whose proc and sys file systems are mounted elsewhere, as in
    /// a container that monitors its host. On Windows, the builder has no options.
    ///
    /// ```no_run
    /// # #[cfg(target_os = "linux")]
    /// let host = psapi::System::builder()
    ///     .proc_root("/host/proc")
    ///     .sys_root("/host/sys")
    ///     .file_root("/host")
    ///     .build();
    /// ```
    pub fn builder() -> SystemBuilder {
        SystemBuilder(sys::SystemOptions::default())
    }

    /// Returns the ids of all processes, ascending.
    ///
    /// Source: the directory names in the proc root; on Windows `SystemProcessInformation`, which
    /// includes the idle process 0. Cost: cheap; one `getdents64` call per
    /// thousand processes. Privileges: none, but a proc file system mounted with `hidepid=2` or 4
    /// lists only processes that the caller can inspect; see
    /// [`may_hide_processes`](Self::may_hide_processes).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) if the proc root contains no process.
    #[doc(alias = "EnumProcesses")]
    pub fn process_ids(&self) -> Result<Vec<ProcessId>> {
        sys::process_ids(&self.0).map_err(|source| self.error(Operation::LIST_PROCESSES, source))
    }

    /// Returns true if the system might hide processes from the caller, so that listings lack them.
    ///
    /// On Linux, this is the case if the proc file system is mounted with `hidepid=2` or 4.
    /// Exceptions are callers with `CAP_SYS_PTRACE` and, with 2, callers in the group of the `gid=`
    /// option. With `hidepid=1`, listings contain all processes, but files of other users'
    /// processes cannot be read. Windows lists all processes to everyone, so the result is always
    /// false there.
    ///
    /// Source: `PROC/self/mounts`. Returns false if the proc root has no such file. A copy of a
    /// proc file system lacks it. So does a proc file system of a pid namespace that does not
    /// contain the caller. Cost: cheap, one small file. Privileges: none.
    pub fn may_hide_processes(&self) -> bool {
        sys::may_hide_processes(&self.0)
    }

    /// Returns the numbers of the online processors, ascending, whether or not the caller can run
    /// on them.
    ///
    /// Source: `SYS/devices/system/cpu/online`. On Windows `SystemProcessorPerformanceInformation`;
    /// the number is 64 times the processor group, plus the number in the group. Cost: cheap, one
    /// small file. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the file cannot be read, and
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it does not parse.
    pub fn online_processors(&self) -> Result<Vec<u32>> {
        sys::processors(&self.0).map_err(|source| self.error("online processors", source))
    }

    /// Returns the lowest address that a process without privileges can map.
    ///
    /// Source: `PROC/sys/vm/mmap_min_addr`; on Windows `SystemBasicInformation`. Cost: cheap, one small file. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Os`](crate::ErrorKind::Os) if the file cannot be read, and
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if it does not parse.
    pub fn minimum_address(&self) -> Result<u64> {
        sys::minimum_address(&self.0).map_err(|source| self.error("minimum address", source))
    }

    /// Creates the handle to a system that a process was found in.
    #[cfg(feature = "symbols")]
    pub(crate) fn from_inner(system: Arc<sys::System>) -> Self {
        System(system)
    }

    pub(crate) fn inner(&self) -> &Arc<sys::System> {
        &self.0
    }

    /// Creates the error for a failed operation on the whole system.
    pub(crate) fn error(&self, operation: impl Into<Operation>, source: SourceError) -> Error {
        let operation = operation.into();
        let remedy = sys::remedy(Some(&self.0), operation, &source, None);
        Error::new(operation, None, source, remedy)
    }
}

#[cfg(all(target_os = "linux", not(psapi_stub)))]
impl System {
    /// Returns the path of the proc file system. Linux only.
    pub fn proc_root(&self) -> &Path {
        self.0.proc_root()
    }

    /// Returns the path of the sys file system. Linux only.
    pub fn sys_root(&self) -> &Path {
        self.0.sys_root()
    }

    /// Returns the path of the root of the system's own files. Linux only.
    pub fn file_root(&self) -> &Path {
        self.0.file_root()
    }
}

/// A builder for a [`System`]; made by [`System::builder`].
#[derive(Debug, Clone)]
pub struct SystemBuilder(sys::SystemOptions);

impl SystemBuilder {
    /// Builds the system.
    pub fn build(self) -> System {
        System(Arc::new(sys::System::new(self.0)))
    }
}

#[cfg(all(target_os = "linux", not(psapi_stub)))]
impl SystemBuilder {
    /// Sets where the proc file system is mounted; the default is `/proc`. Linux only.
    pub fn proc_root(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.proc_root = path.into();
        self
    }

    /// Sets where the sys file system is mounted; the default is `/sys`. Linux only.
    pub fn sys_root(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.sys_root = path.into();
        self
    }

    /// Sets where the root of the system's own files is mounted; the default is `/`. Linux only.
    ///
    /// That directory contains `lib/modules/RELEASE`, `boot`, debug information, and the modules of
    /// processes that have ended. An absolute symbolic link in it leads to the caller's own root
    /// instead.
    pub fn file_root(mut self, path: impl Into<PathBuf>) -> Self {
        self.0.file_root = path.into();
        self
    }

    /// Disables `PROCMAP_QUERY`, as if the kernel were older than 6.11. Lets tests exercise the
    /// fallback.
    #[doc(hidden)]
    pub fn without_procmap_query(mut self) -> Self {
        self.0.procmap_query = false;
        self
    }

    /// Disables `PAGEMAP_SCAN`, as if the kernel were older than 6.7.
    #[doc(hidden)]
    pub fn without_pagemap_scan(mut self) -> Self {
        self.0.pagemap_scan = false;
        self
    }

    /// Queries the NUMA nodes of pages even if the machine has only one node.
    #[doc(hidden)]
    pub fn with_numa_query(mut self) -> Self {
        self.0.numa_query = true;
        self
    }
}
