//! Figures of the whole machine.

use crate::error::SourceError;
use crate::performance::{HugePages, PerformanceInfo};
use crate::sys::linux::proc::file_nr;
use crate::sys::linux::proc::ids;
use crate::sys::linux::proc::loadavg;
use crate::sys::linux::proc::meminfo::{self, Meminfo};
use crate::sys::linux::proc::overcommit_memory;
use crate::sys::linux::system::{System, page_size};

/// Reads the figures from five sources: `meminfo`, `overcommit_memory`, `loadavg`, `file-nr` and
/// the list of processes.
pub(crate) fn performance_info(system: &System) -> Result<PerformanceInfo, SourceError> {
    let proc = system.proc_directory()?;
    let mut text = Vec::new();
    let memory = meminfo::read(proc, &mut text)?;
    let limit_is_enforced = overcommit_memory::read_is_enforced(proc, &mut text)?;
    let thread_count = loadavg::read_threads(proc, &mut text)?;
    let handle_count = file_nr::read_open(proc, &mut text)?;
    let processes = ids::list(proc)?;
    Ok(PerformanceInfo {
        handle_count,
        process_count: processes.len() as u64,
        thread_count,
        ..from_meminfo(&memory, limit_is_enforced)
    })
}

/// Returns the figures of `meminfo`; all others are empty.
fn from_meminfo(memory: &Meminfo, limit_is_enforced: bool) -> PerformanceInfo {
    let sum = |parts: &[u64]| {
        let add = |sum: u64, &part| sum.saturating_add(part);
        parts.iter().fold(0, add)
    };
    let commit_limit = if limit_is_enforced {
        memory.commit_limit
    } else {
        sum(&[memory.mem_total, memory.swap_total])
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
        commit_limit: commit_limit.max(memory.committed_as),
        kernel_commit_limit: Some(memory.commit_limit),
        commit_peak: None,
        physical_total: memory.mem_total,
        physical_available: memory.mem_available,
        physical_free: Some(memory.mem_free),
        system_cache: Some(sum(&[memory.buffers, memory.cached, memory.s_reclaimable])),
        shared: Some(memory.shmem),
        kernel_total: Some(sum(&[kernel_paged, kernel_nonpaged])),
        kernel_paged: Some(kernel_paged),
        kernel_nonpaged: Some(kernel_nonpaged),
        per_cpu: memory.percpu,
        page_size: page_size(),
        handle_count: None,
        process_count: 0,
        thread_count: 0,
        swap_total: Some(memory.swap_total),
        swap_free: Some(memory.swap_free),
        huge_pages: memory.huge_pages.map(|pages| HugePages {
            size: pages.size,
            total: pages.total,
            free: pages.free,
            reserved: pages.reserved,
            surplus: pages.surplus,
            pools: pages.all_sizes,
        }),
    }
}
