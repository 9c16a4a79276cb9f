use crate::error::{Refusal, Result};
use crate::linux::meminfo::{self, Meminfo};
use crate::linux::{file_nr, ids, loadavg};
use crate::system::System;

/// How a machine's memory is used, and how much runs on it: `PERFORMANCE_INFORMATION`, and what
/// Linux knows beyond it. All sizes in bytes.
///
/// Source: the file and lines named below, under the proc root. The figures from `PROC/meminfo` are
/// read in one go, but the kernel itself takes them one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[doc(alias = "PERFORMANCE_INFORMATION")]
#[non_exhaustive]
pub struct PerformanceInfo {
    /// Memory that has been promised to programs, touched or not (`CommitTotal`): `Committed_AS`.
    pub commit_total: u64,
    /// How much may be promised (`CommitLimit`): `CommitLimit`. The kernel holds to it only where
    /// `vm.overcommit_memory` is 2; else [`commit_total`](Self::commit_total) may well exceed it.
    pub commit_limit: u64,
    /// The largest that [`commit_total`](Self::commit_total) has been (`CommitPeak`): `None`, since
    /// Linux keeps no such peak.
    pub commit_peak: Option<u64>,
    /// RAM that the kernel manages (`PhysicalTotal`): `MemTotal`, less than is installed.
    pub physical_total: u64,
    /// RAM that programs could have without paging (`PhysicalAvailable`): `MemAvailable`, an
    /// estimate by the kernel.
    pub physical_available: u64,
    /// RAM that nothing uses at all: `MemFree`.
    pub physical_free: u64,
    /// RAM that holds contents of files and file systems (`SystemCache`): `Buffers` + `Cached` +
    /// `SReclaimable`. What `free` calls buff/cache. [`shared`](Self::shared) is in it.
    pub system_cache: u64,
    /// Shared memory and files of tmpfs in RAM: `Shmem`. It is in
    /// [`system_cache`](Self::system_cache), but can't be dropped as other caches can.
    pub shared: u64,
    /// The kernel's own memory (`KernelTotal`): [`kernel_paged`](Self::kernel_paged) +
    /// [`kernel_nonpaged`](Self::kernel_nonpaged).
    pub kernel_total: u64,
    /// Kernel memory that is given back when RAM is short, the nearest to a paged pool that Linux
    /// has (`KernelPaged`): `SReclaimable`. It is in [`system_cache`](Self::system_cache), too.
    pub kernel_paged: u64,
    /// Kernel memory that stays in RAM (`KernelNonpaged`): `SUnreclaim` + `KernelStack` +
    /// `PageTables` + `Percpu`. Without [`per_cpu`](Self::per_cpu) where that is `None`. Memory of
    /// `vmalloc` is not in it, nor are the page tables that guests of virtual machines and devices
    /// use (`SecPageTables`, Linux 6.0), nor pages that drivers take for themselves.
    pub kernel_nonpaged: u64,
    /// Kernel memory that each processor has a copy of: `Percpu`. `None` before Linux 4.19, which
    /// does not tell it.
    pub per_cpu: Option<u64>,
    /// The size of a page (`PageSize`), that of the running kernel.
    pub page_size: u64,
    /// Open files of all processes (`HandleCount`): the first field of `PROC/sys/fs/file-nr`. Those
    /// opened twice by `dup` or `fork` count once. `None` on a kernel without `sysctl`.
    pub handle_count: Option<u64>,
    /// Processes that the proc root shows (`ProcessCount`); kernel threads count, as each is one.
    pub process_count: u64,
    /// Threads of the whole machine, of the kernel and of all pid namespaces (`ThreadCount`): the
    /// total in the fourth field of `PROC/loadavg`.
    pub thread_count: u64,
    /// The size of all page files together: `SwapTotal`.
    pub swap_total: u64,
    /// How much of the page files is not in use: `SwapFree`.
    pub swap_free: u64,
    /// Hugetlb pages; `None` on a kernel without them.
    pub huge_pages: Option<HugePages>,
}

/// The pool of hugetlb pages: RAM set aside, which no other figure of [`PerformanceInfo`] counts
/// but as a part of `physical_total` that is not available. The counts are of pages of the
/// default size.
///
/// Source: `HugePages_…`, `Hugepagesize` and `Hugetlb` of `PROC/meminfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct HugePages {
    /// The default size of a huge page, in bytes.
    pub size: u64,
    /// Pages in the pool.
    pub total: u64,
    /// Pages in the pool that are not in use.
    pub free: u64,
    /// Pages that are promised to programs, and still free.
    pub reserved: u64,
    /// Pages in the pool above its set size.
    pub surplus: u64,
    /// Bytes in the pools of all sizes together. `None` before Linux 4.16, which does not tell it.
    pub pools: Option<u64>,
}

impl System {
    /// How the machine's memory is used, and how much runs on it.
    ///
    /// Source: `PROC/meminfo`, `PROC/loadavg`, `PROC/sys/fs/file-nr`, the names in the proc root.
    /// Cost: cheap, three small files and a listing. Privileges: none, but with `hidepid=2`
    /// or 4 only the processes that the user may see are counted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotProc`](crate::ErrorKind::NotProc) where the proc root is no proc file
    /// system, [`ErrorKind::NotSupported`](crate::ErrorKind::NotSupported) where it was mounted
    /// with `subset=pid`, [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where a file
    /// lacks what every kernel tells.
    ///
    /// ```
    /// let info = psapi::System::new().performance_info()?;
    /// println!("{} of {} bytes are available", info.physical_available, info.physical_total);
    /// # Ok::<(), psapi::Error>(())
    /// ```
    #[doc(alias = "GetPerformanceInfo")]
    pub fn performance_info(&self) -> Result<PerformanceInfo> {
        self.read_performance()
            .map_err(|refusal| refusal.of_system("performance information"))
    }

    fn read_performance(&self) -> Result<PerformanceInfo, Refusal> {
        let proc = self.proc_directory()?;
        let mut text = Vec::new();
        let memory = meminfo::read(proc, &mut text)?;
        let thread_count = loadavg::read_threads(proc, &mut text)?;
        let handle_count = file_nr::read_open(proc, &mut text)?;
        let processes = ids::list(proc)?;
        Ok(PerformanceInfo {
            handle_count,
            process_count: processes.len() as u64,
            thread_count,
            ..PerformanceInfo::from(&memory)
        })
    }
}

impl From<&Meminfo> for PerformanceInfo {
    fn from(memory: &Meminfo) -> Self {
        let sum = |parts: &[u64]| {
            parts
                .iter()
                .fold(0u64, |sum, &part| sum.saturating_add(part))
        };
        let kernel_paged = memory.s_reclaimable;
        let kernel_nonpaged = sum(&[
            memory.s_unreclaim,
            memory.kernel_stack,
            memory.page_tables,
            memory.percpu.unwrap_or(0),
        ]);
        PerformanceInfo {
            commit_total: memory.committed_as,
            commit_limit: memory.commit_limit,
            commit_peak: None,
            physical_total: memory.mem_total,
            physical_available: memory.mem_available,
            physical_free: memory.mem_free,
            system_cache: sum(&[memory.buffers, memory.cached, memory.s_reclaimable]),
            shared: memory.shmem,
            kernel_total: sum(&[kernel_paged, kernel_nonpaged]),
            kernel_paged,
            kernel_nonpaged,
            per_cpu: memory.percpu,
            page_size: rustix::param::page_size() as u64,
            handle_count: None,
            process_count: 0,
            thread_count: 0,
            swap_total: memory.swap_total,
            swap_free: memory.swap_free,
            huge_pages: memory.huge_pages.map(|pages| HugePages {
                size: pages.size,
                total: pages.total,
                free: pages.free,
                reserved: pages.reserved,
                surplus: pages.surplus,
                pools: pages.all,
            }),
        }
    }
}
