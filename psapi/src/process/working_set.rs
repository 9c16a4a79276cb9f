//! Queries of all pages in memory.

use std::ops::ControlFlow;

use crate::error::{Operation, Result};
use crate::process::Process;
use crate::sys;
use crate::working_set::WorkingSet;
use crate::working_set::options::{Progress, WorkingSetOptions};

impl Process {
    /// Returns the pages of the process that are in memory or in a page file, with share counts for
    /// shareable pages.
    ///
    /// The process continues to run during the scan. A page that is mapped or evicted during that
    /// time might or might not be reported. Mappings created after the scan began are not reported.
    ///
    /// Source on Windows: `NtQueryVirtualMemory`, with `MemoryBasicInformation` for the mappings,
    /// `MemoryWorkingSetInformation` for the addresses of the pages, and
    /// `MemoryWorkingSetExInformation` for their attributes. If the system refuses the list of
    /// addresses, as Wine does, all committed pages are queried. Windows does not report pages in
    /// page files. Large pages are reported as hugetlb pages, because no working set counts them.
    /// Cost: about the time of the list, and a query for each 4,096 pages. Privileges: the rights
    /// `PROCESS_QUERY_INFORMATION` and `PROCESS_VM_READ`, which `SeDebugPrivilege` gives for every
    /// process that is not protected. The rest of this text is about Linux.
    ///
    /// Source on Linux: `PROC/PID/maps` and `PAGEMAP_SCAN` (Linux 6.7) on `PROC/PID/pagemap`.
    /// Before Linux 6.7, the entries of `pagemap` and the figures of `PROC/PID/smaps`. Share counts
    /// come from `pagemap` and `PROC/kpagecount`.
    ///
    /// Cost: *pages*, the most expensive tier.
    ///
    /// - About 10 ns for each resident page of 4 KiB, and 20 to 80 ns more if it can be shared.
    /// - Nearly nothing for huge pages and for address space without pages.
    /// - Before Linux 6.7, about twice as much. Address space without pages then takes 0.5 to 1 s
    ///   per TiB, unless the whole mapping is empty.
    /// - Before Linux 6.7, a mapping larger than the machine's memory is read only up to its last
    ///   page. This requires that none of its pages is swapped, and that all are mapped once or the
    ///   caller can read frame numbers. Zero pages and guard regions after that page are then not
    ///   [known](WorkingSet::known).
    ///
    /// Privileges: the process's own user. Processes of other users require `CAP_SYS_PTRACE`, and
    /// `CAP_DAC_READ_SEARCH`, because only the owner can open `pagemap`. Only root can open
    /// `kpagecount`. Without `CAP_SYS_ADMIN` and, for users other than root, `CAP_DAC_READ_SEARCH`,
    /// a share count is either "one" or "more than one".
    ///
    /// ```
    /// let me = psapi::System::new().current_process()?;
    /// let before = me.working_set()?.totals();
    /// let filled = vec![1u8; 8 << 20];
    /// let after = me.working_set()?.totals();
    /// assert!(after.private >= before.private + filled.len() as u64 - (1 << 20));
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::AccessDenied`](crate::ErrorKind::AccessDenied) without the privilege.
    /// - [`ErrorKind::NoAddressSpace`](crate::ErrorKind::NoAddressSpace) for a kernel thread.
    /// - [`ErrorKind::Ended`](crate::ErrorKind::Ended) if the process has ended.
    /// - [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) on a kernel without `pagemap`.
    #[doc(alias = "QueryWorkingSet")]
    pub fn working_set(&self) -> Result<WorkingSet> {
        self.working_set_with(&WorkingSetOptions::new(), |_| ControlFlow::Continue(()))
    }

    /// Returns the working set as [`working_set`](Self::working_set) does, with options and
    /// progress reports.
    ///
    /// `progress` is called every few milliseconds and can cancel the scan. If the process executes
    /// another program during the scan, the scan and its progress start again from zero.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use psapi::WorkingSetOptions;
    ///
    /// let me = psapi::System::new().current_process()?;
    /// let options = WorkingSetOptions::new().with_private_share_counts();
    /// let set = me.working_set_with(&options, |progress| {
    ///     eprintln!("{} of {} bytes", progress.found, progress.expected);
    ///     ControlFlow::Continue(())
    /// })?;
    /// println!("{:?} bytes are mapped more than once", set.totals().shares.shared());
    /// # Ok::<(), psapi::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`working_set`](Self::working_set), and
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) if `progress` returned `Break`.
    pub fn working_set_with(
        &self,
        options: &WorkingSetOptions,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<WorkingSet> {
        sys::working_set(self.inner(), options, &mut progress)
            .map_err(|source| self.error(Operation::READ_WORKING_SET, source))
    }
}
