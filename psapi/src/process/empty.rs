//! Eviction of a process's pages.

use crate::error::{Operation, Result};
use crate::process::Process;
use crate::sys;
use crate::working_set::EmptiedWorkingSet;

impl Process {
    /// Evicts as much of the process's working set as the kernel permits.
    ///
    /// Private memory moves to page files, and file pages are dropped. No data is lost: when the
    /// process accesses an evicted page, the page is faulted in again.
    ///
    /// A page that leaves the working set does not necessarily leave memory. Modified file pages
    /// stay in memory until they are written back, and shared memory stays if there is no page
    /// file.
    ///
    /// [`RemainingMemory`](crate::RemainingMemory) reports what was not evicted:
    ///
    /// - Without a page file (swap), all private memory stays.
    /// - The kernel evicts only pages that are mapped once.
    /// - Pages of a shared file mapping, and unmodified pages of a private one, stay unless the
    ///   caller owns the file or can write it.
    /// - The process continues to run. Memory that it maps during the eviction, and all memory if
    ///   it calls `execve`, can stay.
    ///
    /// Source on Windows: `NtSetInformationProcess` with `ProcessQuotaLimits`, both limits of the
    /// working set being -1, which removes all pages. The figures come from `VM_COUNTERS_EX2` or
    /// from the pages. Privileges: the rights `PROCESS_SET_QUOTA` and
    /// `PROCESS_QUERY_LIMITED_INFORMATION`. Without the rights of
    /// [`working_set`](Self::working_set), all memory that stayed counts as
    /// [`other`](crate::RemainingMemory::other). No mapping is refused.
    ///
    /// Source on Linux: `process_madvise` with `MADV_PAGEOUT` (Linux 5.10) on the mappings in
    /// `maps`, or `madvise` for the calling process. The figures come from `smaps_rollup` before
    /// the eviction. Those after the eviction come from `smaps`, so that the parts add up.
    ///
    /// Cost: *exact*, twice, and the eviction itself, which waits for writes to page files.
    ///
    /// Privileges: none for the calling process. Another process requires `CAP_SYS_NICE`, and
    /// also `CAP_SYS_PTRACE` if it belongs to another user.
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let emptied = me.empty_working_set()?;
    /// println!("{} of {} bytes evicted", emptied.evicted().total(), emptied.before.total());
    /// if emptied.remaining.no_page_file > 0 {
    ///     println!("{} bytes lack space in a page file", emptied.remaining.no_page_file);
    /// }
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) before Linux 5.10, or if the
    ///   proc root belongs to another pid namespace, where system calls use other ids.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) also for another process whose
    ///   group leader has ended before other threads.
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) if the process has ended.
    #[doc(alias = "EmptyWorkingSet")]
    #[doc(alias = "SetProcessWorkingSetSize")]
    pub fn empty_working_set(&self) -> Result<EmptiedWorkingSet> {
        sys::empty_working_set(self.inner())
            .map_err(|source| self.error(Operation::EMPTY_WORKING_SET, source))
    }
}
