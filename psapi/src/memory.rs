//! Memory figures of a process.

/// How often a process accessed a page that was not mapped.
///
/// The figures include threads that have ended.
///
/// Source: `min_flt` and `maj_flt` in `PROC/PID/stat`. On Windows, `PageFaultCount` is the total,
/// and `HardFaultCount` of `SystemProcessInformation` the major faults. Both have 32 bits there and
/// start again at 0. Cost: *cheap*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FaultCount {
    /// Faults of both kinds.
    pub(crate) total: u64,
    /// Faults that were resolved without reading from a disk. `None` if only the total is known.
    pub minor: Option<u64>,
    /// Faults that had to wait for a read. `None` if only the total is known, as in
    /// [`MemoryCounters`] on Windows.
    pub major: Option<u64>,
}

impl FaultCount {
    /// Returns the number of minor and major faults together, as PSAPI's `PageFaultCount` does.
    pub fn total(self) -> u64 {
        self.total
    }
}

/// How much memory a process uses: `PROCESS_MEMORY_COUNTERS`, and further figures of Linux. All
/// sizes are in bytes.
///
/// Source on Linux: `PROC/PID/stat` (faults, threads) and `PROC/PID/status` (everything else). The
/// kernel takes all figures of `status` at once, so the parts never exceed the whole. Cost:
/// *status*. Privileges: none.
///
/// Source on Windows: `VM_COUNTERS` in `ProcessVmCounters` or, in a capture, in
/// `SystemProcessInformation`. The figures that only Linux has are `None`.
///
/// A kernel thread has no user address space. Its sizes are 0, except for its kernel stack, and
/// [`hugetlb`](Self::hugetlb) is `None` because the kernel does not report it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "PROCESS_MEMORY_COUNTERS")]
#[doc(alias = "PROCESS_MEMORY_COUNTERS_EX")]
#[doc(alias = "PROCESS_MEMORY_COUNTERS_EX2")]
#[non_exhaustive]
pub struct MemoryCounters {
    /// Page faults so far (`PageFaultCount`).
    pub faults: FaultCount,
    /// Memory of the process that is in RAM now (`WorkingSetSize`): `VmRSS`.
    ///
    /// On Linux, it is the sum of [`rss_anon`](Self::rss_anon), [`rss_file`](Self::rss_file) and
    /// [`rss_shmem`](Self::rss_shmem), and excludes hugetlb pages.
    ///
    /// Before Linux 6.2, each thread counts up to about 64 faults on its own before it adds them to
    /// this counter. The counter can lack their pages, and one fault on a file or on shared memory
    /// can map the 16 pages around it. [`ExactMemory::rss`] is exact.
    pub working_set: u64,
    /// The largest working set so far (`PeakWorkingSetSize`): `VmHWM`. It is never less than
    /// [`working_set`](Self::working_set).
    ///
    /// The kernel records a peak when memory is freed, from per-CPU counters that each can be off
    /// by some dozen pages. A later call can report a peak that is smaller by as much.
    pub peak_working_set: u64,
    /// Private writable memory, whether or not it was ever accessed (`PagefileUsage`,
    /// `PrivateUsage`): on Linux `VmData` + `VmStk`.
    ///
    /// On Linux, this is roughly the amount that the kernel charges to the process against the commit limit.
    /// The kernel's charge excludes hugetlb pages and, unless `vm.overcommit_memory` is 2, mappings
    /// with `MAP_NORESERVE`. It includes shared memory without a file, which this figure does not.
    /// With `vm.overcommit_memory` at 1, the kernel counts in the same way but enforces no limit.
    pub commit: u64,
    /// The largest [`commit`](Self::commit) so far (`PeakPagefileUsage`). Windows only; Linux does
    /// not record this peak.
    pub peak_commit: Option<u64>,
    /// Pageable kernel memory held for the process (`QuotaPagedPoolUsage`); 0 on Linux, which pages
    /// out no kernel memory.
    pub paged_pool: u64,
    /// The largest [`paged_pool`](Self::paged_pool) so far (`QuotaPeakPagedPoolUsage`). Windows
    /// only; `None` on Linux.
    pub peak_paged_pool: Option<u64>,
    /// The largest [`nonpaged_pool`](Self::nonpaged_pool) so far (`QuotaPeakNonPagedPoolUsage`).
    /// Windows only; Linux does not record this peak.
    pub peak_nonpaged_pool: Option<u64>,
    /// Kernel memory held for the process (`QuotaNonPagedPoolUsage`): on Linux `VmPTE` + the kernel
    /// stacks of its threads.
    ///
    /// On Linux, the size of a kernel stack is a constant of the architecture. A kernel built with KASAN, a
    /// debugging aid, doubles the size, which programs cannot detect. The figure is `None` on
    /// architectures without one fixed size, and on 32-bit x86, whose programs cannot detect which
    /// kernel runs them.
    pub nonpaged_pool: Option<u64>,
    /// The private part of the working set (`PrivateWorkingSetSize`): on Linux `RssAnon`, the pages
    /// without a file. These pages are private to the process or shared copy-on-write with forked
    /// processes. The exact private figure, at a higher cost, is [`ExactMemory::uss`].
    ///
    /// `None` on versions of Windows without `VM_COUNTERS_EX2`.
    pub rss_anon: Option<u64>,
    /// The part of the working set that is backed by files: `RssFile`. Linux only.
    pub rss_file: Option<u64>,
    /// The part of the working set that is shared memory: `RssShmem`, including tmpfs files and
    /// memfds. Linux only.
    pub rss_shmem: Option<u64>,
    /// Shared memory without a file that the process maps, in RAM or not (`SharedCommitUsage`).
    /// Windows only. `None` on Linux, and on versions of Windows without `VM_COUNTERS_EX2`.
    pub shared_commit: Option<u64>,
    /// Private memory in page files: `VmSwap`. It excludes shared memory in page files. Linux only.
    pub swap: Option<u64>,
    /// Memory that `mlock` and `mlockall` keep in RAM, by the size of its mappings: `VmLck`.
    /// Linux only.
    pub locked: Option<u64>,
    /// Memory pinned for devices, which the kernel cannot even move: `VmPin`. Linux
    /// only.
    pub pinned: Option<u64>,
    /// Hugetlb pages in use: `HugetlbPages`. Linux only.
    ///
    /// No figure of pages in RAM includes them. Their mappings are part of
    /// [`virtual_size`](Self::virtual_size) and, if private and writable, of
    /// [`commit`](Self::commit). `None` on a kernel without hugetlb pages, and for kernel threads.
    pub hugetlb: Option<u64>,
    /// Page tables: `VmPTE`. Linux only.
    pub page_tables: Option<u64>,
    /// The size of all mappings, including those of hugetlb pages: `VmSize`. On Windows
    /// `VirtualSize`, which includes reserved addresses.
    pub virtual_size: u64,
    /// The largest [`virtual_size`](Self::virtual_size) so far: `VmPeak`; on Windows
    /// `PeakVirtualSize`.
    pub peak_virtual_size: u64,
}

/// Exact memory figures of a process, in bytes. Linux only. Figures that a kernel does not report are `None`.
///
/// Source: `PROC/PID/smaps_rollup`. Cost: *exact*. The kernel walks all page tables of the process,
/// which takes milliseconds per GiB of small pages. It holds the lock of the address space during
/// the walk. Privileges: the same as for reading the process's mappings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ExactMemory {
    /// Resident memory, counted at the same moment as the other figures.
    pub rss: u64,
    /// Proportional set size: private pages in full, shared pages divided by the number of
    /// mappings that share them. The sum over all processes counts no page twice.
    pub pss: u64,
    /// The anonymous part of [`pss`](Self::pss).
    pub pss_anon: Option<u64>,
    /// The part of [`pss`](Self::pss) that is backed by files.
    pub pss_file: Option<u64>,
    /// The part of [`pss`](Self::pss) that is shared memory.
    pub pss_shmem: Option<u64>,
    /// Unique set size: pages that only this process maps. Ending the process would free them.
    pub uss: u64,
    /// Resident pages that other processes also map.
    pub shared: u64,
    /// Resident pages that were modified and that no other process maps.
    pub private_dirty: u64,
    /// Resident pages that were accessed recently.
    pub referenced: u64,
    /// Resident pages without a file.
    pub anonymous: u64,
    /// Pages that the process released with `MADV_FREE` and that the kernel has not reclaimed yet.
    pub lazy_free: Option<u64>,
    /// Transparent huge pages in private memory.
    pub anon_huge_pages: u64,
    /// Transparent huge pages in shared memory.
    pub shmem_huge_pages: Option<u64>,
    /// Transparent huge pages backed by files.
    pub file_huge_pages: Option<u64>,
    /// Hugetlb pages that other processes also map. No figure above includes them.
    pub shared_hugetlb: Option<u64>,
    /// Hugetlb pages that only this process maps. No figure above includes them.
    pub private_hugetlb: Option<u64>,
    /// Memory in page files.
    pub swap: u64,
    /// [`swap`](Self::swap), with shared pages divided by the number of sharers as in
    /// [`pss`](Self::pss).
    pub swap_pss: u64,
    /// Memory that `mlock` keeps in RAM, with shared pages divided by the number of sharers.
    pub locked: u64,
}
