//! Memory figures of a process, from the fields of `stat`, `status` and `smaps_rollup`.

use crate::memory::{ExactMemory, FaultCount, MemoryCounters};
use crate::sys::linux::kernel_stack;
use crate::sys::linux::proc::smaps_rollup::SmapsRollup;
use crate::sys::linux::proc::stat::Stat;
use crate::sys::linux::proc::status::Memory;

/// Returns the page faults of a process.
pub(crate) fn faults(stat: &Stat<'_>) -> FaultCount {
    FaultCount {
        total: stat.min_flt.saturating_add(stat.maj_flt),
        minor: Some(stat.min_flt),
        major: Some(stat.maj_flt),
    }
}

/// Returns the counters; `None` for a process whose address space is gone. A kernel thread has no
/// address space either, but well-defined figures: all are zero, except for its kernel stack.
pub(crate) fn counters(stat: &Stat<'_>, memory: Option<&Memory>) -> Option<MemoryCounters> {
    let memory = match memory {
        Some(memory) => *memory,
        None if stat.is_kernel_thread() => Memory::default(),
        None => return None,
    };
    let stacks = kernel_stack::size().map(|size| size * u64::from(stat.num_threads));
    Some(MemoryCounters {
        faults: faults(stat),
        working_set: memory.vm_rss,
        // The kernel updates the peak lazily, so it can be less than the current figure.
        peak_working_set: memory.vm_hwm.max(memory.vm_rss),
        commit: memory.vm_data.saturating_add(memory.vm_stk),
        peak_commit: None,
        paged_pool: 0,
        peak_paged_pool: None,
        peak_nonpaged_pool: None,
        nonpaged_pool: stacks.map(|stacks| memory.vm_pte.saturating_add(stacks)),
        rss_anon: Some(memory.rss_anon),
        rss_file: Some(memory.rss_file),
        rss_shmem: Some(memory.rss_shmem),
        shared_commit: None,
        swap: Some(memory.vm_swap),
        locked: Some(memory.vm_lck),
        pinned: Some(memory.vm_pin),
        hugetlb: memory.hugetlb_pages,
        page_tables: Some(memory.vm_pte),
        virtual_size: memory.vm_size,
        peak_virtual_size: memory.vm_peak.max(memory.vm_size),
    })
}

/// Returns the exact figures.
pub(crate) fn exact(rollup: &SmapsRollup) -> ExactMemory {
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
