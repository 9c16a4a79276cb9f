//! The memory figures of a process.

use crate::error::Result;
use crate::memory::{ExactMemory, MemoryCounters};
use crate::process::Process;
use crate::sys;

impl Process {
    /// Returns how much memory the process uses.
    ///
    /// Source: `stat` and `status`; on Windows `ProcessVmCounters`. Cost: *status*. Privileges: none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended, even if its parent
    /// has not reaped it: an ended process has no memory.
    #[doc(alias = "GetProcessMemoryInfo")]
    pub fn memory_counters(&self) -> Result<MemoryCounters> {
        sys::memory_counters(self.inner()).map_err(|source| self.error("memory counters", source))
    }

    /// Returns exact memory figures, with shared memory divided among the processes that share it.
    /// Linux only.
    ///
    /// Source: `smaps_rollup`. Cost: *exact*. The kernel walks all page tables of the process, and
    /// holds the lock of its address space during the walk. Privileges: the process's own user, or
    /// `CAP_SYS_PTRACE`. Newer kernels, such as 6.18, also accept `CAP_PERFMON`.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) on Windows.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) once the process has ended.
    pub fn exact_memory(&self) -> Result<ExactMemory> {
        sys::exact_memory(self.inner()).map_err(|source| self.error("exact memory figures", source))
    }
}
