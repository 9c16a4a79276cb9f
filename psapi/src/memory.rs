use crate::linux::kernel_stack;
use crate::linux::smaps_rollup::SmapsRollup;
use crate::linux::stat::Stat;
use crate::linux::status::Memory;

/// How often a process touched a page that was not mapped.
///
/// Source: `min_flt` and `maj_flt` of `PROC/PID/stat`, summed over all threads, those that ended
/// included. Cost: *cheap*.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FaultCount {
    /// Faults that were resolved without reading from a disk.
    pub minor: u64,
    /// Faults that had to wait for a read.
    pub major: u64,
}

impl FaultCount {
    /// Both kinds together, which is what PSAPI's `PageFaultCount` counts.
    pub fn total(self) -> u64 {
        self.minor.saturating_add(self.major)
    }
}

/// How much memory a process uses: `PROCESS_MEMORY_COUNTERS`, and what Linux knows beyond it. All
/// sizes in bytes.
///
/// Source: `PROC/PID/stat` (faults, threads) and `PROC/PID/status` (everything else, taken by the
/// kernel in one go, so that the parts never exceed the whole). Cost: *status*. Privileges: none.
///
/// A kernel thread has no user address space; its sizes are 0, but for the stack that it has in
/// the kernel, and what is `None`: [`hugetlb`](Self::hugetlb), which the kernel does not tell of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "PROCESS_MEMORY_COUNTERS")]
#[doc(alias = "PROCESS_MEMORY_COUNTERS_EX")]
#[doc(alias = "PROCESS_MEMORY_COUNTERS_EX2")]
#[non_exhaustive]
pub struct MemoryCounters {
    /// Page faults so far (`PageFaultCount`).
    pub faults: FaultCount,
    /// Memory of the process that is in RAM now (`WorkingSetSize`): `VmRSS`, which is
    /// [`rss_anon`](Self::rss_anon) + [`rss_file`](Self::rss_file) +
    /// [`rss_shmem`](Self::rss_shmem). Hugetlb pages are not in it.
    ///
    /// Before Linux 6.2 each thread keeps to itself what some 64 of its faults brought, of which one
    /// of a file's or of shared memory may bring the 16 pages around it: the kernel's figures may lag
    /// by as much. The exact one is [`ExactMemory::rss`].
    pub working_set: u64,
    /// The largest that the working set has been (`PeakWorkingSetSize`): `VmHWM`, never less than
    /// the working set in the same answer. The kernel notes a peak when memory is given back, from
    /// counters a processor that lag by up to some dozens of pages each: later answers may show a
    /// peak smaller by as much.
    pub peak_working_set: u64,
    /// Private writable memory, touched or not (`PagefileUsage`, `PrivateUsage`): `VmData` +
    /// `VmStk`. About what the kernel charges against the system's commit limit for the process.
    /// That leaves out hugetlb pages and, unless `vm.overcommit_memory` is 2, mappings with
    /// `MAP_NORESERVE`; it has shared memory without a file, which is not in here. With
    /// `vm.overcommit_memory` 1 it is counted just so, against no limit.
    pub commit: u64,
    /// The largest that [`commit`](Self::commit) has been (`PeakPagefileUsage`): `None`, since
    /// Linux keeps no such peak.
    pub peak_commit: Option<u64>,
    /// Kernel memory held for the process that could be paged out (`QuotaPagedPoolUsage`): 0,
    /// since Linux pages no kernel memory.
    pub paged_pool: u64,
    /// Kernel memory held for the process (`QuotaNonPagedPoolUsage`): `VmPTE` + the kernel stacks
    /// of its threads, by the size that the architecture gives them; a kernel built with KASAN, a
    /// debugging aid, doubles it, and that can't be seen. `None` on an architecture whose kernel
    /// stacks have no one size, and on 32-bit x86, whose programs can't tell which kernel runs them.
    pub nonpaged_pool: Option<u64>,
    /// The part of the working set that is private to the process or a copy-on-write relation of
    /// its fork (`PrivateWorkingSetSize`): `RssAnon`. The exact figure, at a price:
    /// [`ExactMemory::uss`].
    pub rss_anon: u64,
    /// The part of the working set that is pages of files: `RssFile`.
    pub rss_file: u64,
    /// The part of the working set that is shared memory (`SharedCommitUsage`): `RssShmem`, tmpfs
    /// files and memfds included.
    pub rss_shmem: u64,
    /// Private memory that was moved to a page file: `VmSwap`. Shared memory there is not in it.
    pub swap: u64,
    /// Memory that `mlock` and `mlockall` keep in RAM, by the size of its mappings: `VmLck`.
    pub locked: u64,
    /// Memory pinned for devices, which can't even be moved: `VmPin`.
    pub pinned: u64,
    /// Hugetlb pages in use: `HugetlbPages`. No figure of pages in RAM counts them; their mappings
    /// are in [`virtual_size`](Self::virtual_size) and, if private and writable, in
    /// [`commit`](Self::commit). `None` on a kernel without them, and of kernel threads.
    pub hugetlb: Option<u64>,
    /// Page tables: `VmPTE`.
    pub page_tables: u64,
    /// The size of all mappings, those of hugetlb pages included: `VmSize`.
    pub virtual_size: u64,
    /// The largest that [`virtual_size`](Self::virtual_size) has been: `VmPeak`.
    pub peak_virtual_size: u64,
}

impl MemoryCounters {
    /// `None` for a process whose address space is gone.
    pub(crate) fn new(stat: &Stat<'_>, memory: Option<&Memory>) -> Option<Self> {
        let memory = match memory {
            Some(memory) => *memory,
            None if stat.is_kernel_thread() => Memory::default(),
            None => return None,
        };
        let stacks = kernel_stack::size().map(|size| size * u64::from(stat.num_threads));
        Some(MemoryCounters {
            faults: FaultCount {
                minor: stat.min_flt,
                major: stat.maj_flt,
            },
            working_set: memory.vm_rss,
            peak_working_set: memory.vm_hwm.max(memory.vm_rss),
            commit: memory.vm_data.saturating_add(memory.vm_stk),
            peak_commit: None,
            paged_pool: 0,
            nonpaged_pool: stacks.map(|stacks| memory.vm_pte.saturating_add(stacks)),
            rss_anon: memory.rss_anon,
            rss_file: memory.rss_file,
            rss_shmem: memory.rss_shmem,
            swap: memory.vm_swap,
            locked: memory.vm_lck,
            pinned: memory.vm_pin,
            hugetlb: memory.hugetlb_pages,
            page_tables: memory.vm_pte,
            virtual_size: memory.vm_size,
            peak_virtual_size: memory.vm_peak.max(memory.vm_size),
        })
    }
}

/// Exact shares of a process's memory, in bytes. Parts that a kernel does not tell apart are
/// `None`.
///
/// Source: `PROC/PID/smaps_rollup`. Cost: *exact*: the kernel walks all page tables of the process
/// and holds the lock of its address space meanwhile, milliseconds a GiB of small pages.
/// Privileges: those that reading the process's memory map takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ExactMemory {
    /// Resident memory, counted at the same moment as the other figures here.
    pub rss: u64,
    /// Proportional set size: private pages in full, shared pages divided by the number of
    /// mappings that share them. Summed over all processes it counts no page twice.
    pub pss: u64,
    /// The anonymous part of [`pss`](Self::pss).
    pub pss_anon: Option<u64>,
    /// The part of [`pss`](Self::pss) that is pages of files.
    pub pss_file: Option<u64>,
    /// The part of [`pss`](Self::pss) that is shared memory.
    pub pss_shmem: Option<u64>,
    /// Unique set size: pages that only this process maps, and so what would come free if it
    /// ended.
    pub uss: u64,
    /// Resident pages that others map, too.
    pub shared: u64,
    /// Resident pages that were changed and are nobody else's.
    pub private_dirty: u64,
    /// Resident pages that were used recently.
    pub referenced: u64,
    /// Resident pages that belong to no file.
    pub anonymous: u64,
    /// Pages that the process gave back with `MADV_FREE` and the kernel has not taken yet.
    pub lazy_free: Option<u64>,
    /// Transparent huge pages of private memory.
    pub anon_huge_pages: u64,
    /// Transparent huge pages of shared memory.
    pub shmem_huge_pages: Option<u64>,
    /// Transparent huge pages of files.
    pub file_huge_pages: Option<u64>,
    /// Hugetlb pages that others map, too; in none of the figures above.
    pub shared_hugetlb: Option<u64>,
    /// Hugetlb pages that only this process maps; in none of the figures above.
    pub private_hugetlb: Option<u64>,
    /// Memory moved to a page file.
    pub swap: u64,
    /// [`swap`](Self::swap) divided by sharers as [`pss`](Self::pss) is.
    pub swap_pss: u64,
    /// Memory that `mlock` keeps in RAM, its shared pages divided by sharers.
    pub locked: u64,
}

impl From<&SmapsRollup> for ExactMemory {
    fn from(rollup: &SmapsRollup) -> Self {
        ExactMemory {
            rss: rollup.rss,
            pss: rollup.pss,
            pss_anon: rollup.pss_anon,
            pss_file: rollup.pss_file,
            pss_shmem: rollup.pss_shmem,
            uss: rollup.private_clean.saturating_add(rollup.private_dirty),
            shared: rollup.shared_clean.saturating_add(rollup.shared_dirty),
            private_dirty: rollup.private_dirty,
            referenced: rollup.referenced,
            anonymous: rollup.anonymous,
            lazy_free: rollup.lazy_free,
            anon_huge_pages: rollup.anon_huge_pages,
            shmem_huge_pages: rollup.shmem_pmd_mapped,
            file_huge_pages: rollup.file_pmd_mapped,
            shared_hugetlb: rollup.shared_hugetlb,
            private_hugetlb: rollup.private_hugetlb,
            swap: rollup.swap,
            swap_pss: rollup.swap_pss,
            locked: rollup.locked,
        }
    }
}
