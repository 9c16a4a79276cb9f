//! Performance figures of a system.

/// How a machine's memory is used, and how many processes and threads there are:
/// `PERFORMANCE_INFORMATION`, and further figures of Linux. All sizes are in bytes.
///
/// Source on Linux: the lines named below, in `PROC/meminfo` unless another file is named.
/// `meminfo` is read with one call, but the kernel computes its figures one after another.
///
/// Source on Windows: the fields named below, in `SystemPerformanceInformation` unless another
/// class is named. Windows counts in pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "PERFORMANCE_INFORMATION")]
#[non_exhaustive]
pub struct PerformanceInfo {
    /// Memory promised to programs, whether or not they have accessed it (`CommitTotal`):
    /// `Committed_AS`; on Windows `CommittedPages`.
    pub commit_total: u64,
    /// The most memory that can be promised to programs (`CommitLimit`). It is never less than
    /// [`commit_total`](Self::commit_total). On Windows `CommitLimit`.
    ///
    /// On Linux, if `vm.overcommit_memory` is 2, this is the limit that the kernel enforces,
    /// [`kernel_commit_limit`](Self::kernel_commit_limit). Otherwise it is all RAM and page files:
    /// `MemTotal` + `SwapTotal`. Source of the mode: `PROC/sys/vm/overcommit_memory`.
    pub commit_limit: u64,
    /// The limit of [`commit_total`](Self::commit_total) that the kernel would enforce if
    /// `vm.overcommit_memory` were 2: `CommitLimit`. In the other modes, the total can exceed it. Linux
    /// only.
    pub kernel_commit_limit: Option<u64>,
    /// The largest [`commit_total`](Self::commit_total) so far (`CommitPeak`): on Windows
    /// `PeakCommitment`. `None` on Linux, which does not record this peak, and on a Windows that
    /// leaves it 0.
    pub commit_peak: Option<u64>,
    /// RAM that the kernel manages (`PhysicalTotal`): `MemTotal`; on Windows
    /// `NumberOfPhysicalPages` in `SystemBasicInformation`. It is less than the installed RAM.
    pub physical_total: u64,
    /// RAM available to programs without paging (`PhysicalAvailable`): `MemAvailable`, an estimate
    /// by the kernel; on Windows `AvailablePages`.
    pub physical_available: u64,
    /// Unused RAM: `MemFree`. On Windows the zeroed and free pages of `SystemMemoryListInformation`,
    /// which requires `SeProfileSingleProcessPrivilege`; `None` without it.
    pub physical_free: Option<u64>,
    /// RAM that holds contents of files and file systems (`SystemCache`): `Buffers` + `Cached` +
    /// `SReclaimable`. It includes [`shared`](Self::shared). The `free` command calls it
    /// buff/cache. On Windows `CurrentSizeIncludingTransitionInPages` in
    /// `SystemFileCacheInformation`. `None` if the system does not fill it, as Wine.
    pub system_cache: Option<u64>,
    /// Shared memory and tmpfs files in RAM: `Shmem`. It is part of
    /// [`system_cache`](Self::system_cache), but unlike other caches cannot be dropped. Linux only.
    pub shared: Option<u64>,
    /// Memory of the kernel itself (`KernelTotal`): [`kernel_paged`](Self::kernel_paged) +
    /// [`kernel_nonpaged`](Self::kernel_nonpaged). `None` unless both are known.
    pub kernel_total: Option<u64>,
    /// Kernel memory that is freed when RAM runs short (`KernelPaged`): `SReclaimable`. It is the
    /// closest equivalent of a paged pool, which Windows has: `PagedPoolPages`. On Linux, it is also
    /// part of [`system_cache`](Self::system_cache). `None` if the system does not fill it, as Wine.
    pub kernel_paged: Option<u64>,
    /// Kernel memory that stays in RAM (`KernelNonpaged`): `SUnreclaim` + `KernelStack` +
    /// `PageTables` + `Percpu`, the last only if [`per_cpu`](Self::per_cpu) is not `None`. On Windows
    /// `NonPagedPoolPages`; `None` if the system does not fill it, as Wine.
    ///
    /// On Linux, it excludes memory allocated by `vmalloc`, page tables of virtual machines and devices
    /// (`SecPageTables`, Linux 6.0), and pages that drivers allocate directly.
    pub kernel_nonpaged: Option<u64>,
    /// Kernel memory that is replicated for each processor: `Percpu`. `None` before Linux 4.19,
    /// which does not report it, and on Windows.
    pub per_cpu: Option<u64>,
    /// The size of a page of the running kernel (`PageSize`).
    pub page_size: u64,
    /// Open files of all processes (`HandleCount`): the first field of `PROC/sys/fs/file-nr`. A
    /// file whose descriptor was duplicated by `dup` or `fork` counts once. `None` on a kernel
    /// without `sysctl`. On Windows the handles in `SystemProcessInformation`.
    pub handle_count: Option<u64>,
    /// Processes in the proc root, including kernel threads (`ProcessCount`). On Windows those in
    /// `SystemProcessInformation`, including the idle process.
    pub process_count: u64,
    /// Threads of the whole machine, including kernel threads and all pid namespaces
    /// (`ThreadCount`): the total in the fourth field of `PROC/loadavg`; on Windows those in
    /// `SystemProcessInformation`.
    pub thread_count: u64,
    /// The total size of all page files: `SwapTotal`; on Windows from `SystemPageFileInformation`.
    pub swap_total: Option<u64>,
    /// The unused part of all page files: `SwapFree`; on Windows from the same source.
    pub swap_free: Option<u64>,
    /// Hugetlb pages; `None` on a kernel without them, and on Windows.
    pub huge_pages: Option<HugePages>,
}

/// The pool of hugetlb pages, which is reserved RAM.
///
/// Of the other figures in [`PerformanceInfo`], only `physical_total` includes the pool, which
/// never counts as available. Page counts are for pages of the default size.
///
/// Source: `HugePages_…`, `Hugepagesize` and `Hugetlb` in `PROC/meminfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HugePages {
    /// The default size of a huge page, in bytes.
    pub size: u64,
    /// Pages in the pool.
    pub total: u64,
    /// Unused pages in the pool.
    pub free: u64,
    /// Unused pages that are promised to programs.
    pub reserved: u64,
    /// Pages in the pool beyond its configured size.
    pub surplus: u64,
    /// The total size of the pools for all page sizes, in bytes. `None` before Linux 4.16, which
    /// does not report it.
    pub pools: Option<u64>,
}
