//! Watches on the page faults of a process.

use crate::error::{Operation, Result};
use crate::process::Process;
use crate::sys;
#[cfg(all(windows, not(psapi_stub)))]
use crate::working_set::page_fault::RecordedFaults;
use crate::working_set::page_fault::WatchOptions;
use crate::working_set::watch::WorkingSetWatch;

impl Process {
    /// Starts to record the page faults of all threads of the process, including threads that it
    /// starts later.
    ///
    /// Each page fault that the kernel counts for the process (`min_flt` and `maj_flt` in `stat`)
    /// is either recorded or counted as lost, with two exceptions:
    ///
    /// - The kernel counts but does not record pages that it accesses itself. It does so for
    ///   `mlock`, `MAP_POPULATE`, `MADV_POPULATE_READ` and direct I/O, and for the first stack
    ///   pages of an executed program.
    /// - Neighboring pages of a file that the kernel maps along with the accessed page
    ///   (fault-around) are neither counted nor recorded.
    ///
    /// If the process gains privileges by executing a set-user-ID program, or executes a program
    /// that its user cannot read, the kernel removes the watch.
    ///
    /// Source on Windows: `NtSetInformationProcess` and `NtQueryInformationProcess` with
    /// `ProcessWorkingSetWatchEx`, which record the pages that enter the working set. The kernel
    /// has one record for each process: a second watch empties that of the first, and both fetch
    /// from it. Recording goes on until the process ends. Privileges: the rights
    /// `PROCESS_QUERY_INFORMATION` and `PROCESS_SET_INFORMATION`. The rest of this text is about
    /// Linux.
    ///
    /// Source on Linux: `perf_event_open`, and `SYS/devices/system/cpu/online` for the CPUs. A CPU
    /// that comes online later is not watched.
    ///
    /// Cost: two descriptors for each thread and CPU, a buffer of 2 MiB for each CPU, and the
    /// kernel's time to record each fault. On a machine with the Safe RET mitigation, recording
    /// adds 1 µs to the 2 µs of a fault.
    ///
    /// Privileges: `CAP_PERFMON`. Otherwise the process's own user, or `CAP_SYS_PTRACE`. Faults
    /// inside the kernel are then left out if `kernel.perf_event_paranoid` is 2 or more; see
    /// `WorkingSetWatch::is_user_only`. The kernels of some distributions,
    /// such as Debian, require `CAP_SYS_ADMIN` if the setting is more than 2.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let process = psapi::System::new().process(4711)?;
    /// let mut watch = process.watch_working_set()?;
    /// while watch.wait(Some(Duration::from_secs(10)))? {
    ///     let ended = watch.has_ended()?;
    ///     let changes = watch.changes()?;
    ///     for fault in changes.faults {
    ///         println!("{} {:#x} by {:#x}", fault.thread, fault.address, fault.program_counter);
    ///     }
    ///     if ended {
    ///         break;
    ///     }
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege, or if
    ///   the caller cannot lock even the smallest buffer in memory.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) if the process has ended.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) on a kernel without
    ///   performance events, and if the proc root belongs to another pid namespace.
    /// - [`ErrorKind::Os`](crate::ErrorKind::Os) if the caller runs out of descriptors. A watch of
    ///   many threads needs a soft limit (`RLIMIT_NOFILE`) above the usual 1,024.
    #[doc(alias = "InitializeProcessForWsWatch")]
    pub fn watch_working_set(&self) -> Result<WorkingSetWatch> {
        self.watch_working_set_with(WatchOptions::new())
    }

    /// Starts a watch as [`watch_working_set`](Self::watch_working_set) does, with options.
    ///
    /// # Errors
    ///
    /// The errors of [`watch_working_set`](Self::watch_working_set).
    pub fn watch_working_set_with(&self, options: WatchOptions) -> Result<WorkingSetWatch> {
        sys::watch(self.inner(), &options)
            .map(|faults| WorkingSetWatch::new(self.id(), faults))
            .map_err(|source| self.error(Operation::WATCH_WORKING_SET, source))
    }
}

#[cfg(all(windows, not(psapi_stub)))]
impl Process {
    /// Takes the page faults that the system has recorded since the last call, if they fit into a
    /// list of `room` entries, of which one ends the list. Windows only.
    ///
    /// The system has one record for each process. [`watch_working_set`](Self::watch_working_set)
    /// starts it, also in another program, and it lasts until the process ends.
    ///
    /// Source: `ProcessWorkingSetWatchEx`. Cost: one system call, and two or three for a long
    /// record. Rights: `PROCESS_QUERY_INFORMATION`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if nothing has started
    ///   the record.
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the right.
    #[doc(alias = "GetWsChanges")]
    pub fn recorded_faults(&self, room: usize) -> Result<RecordedFaults> {
        sys::recorded_faults(self.inner(), room)
            .map_err(|source| self.error(Operation::WATCH_WORKING_SET, source))
    }
}
