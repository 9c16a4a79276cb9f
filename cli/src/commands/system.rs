//! `psapi system`: the memory of the machine, and the number of processes and threads.

use anyhow::Result;
use psapi::{HugePages, PerformanceInfo};

use crate::diagnostics;
use crate::output::{Column, Value, columns};
use crate::repeat::Repeat;
use crate::session::Session;

/// Options of `psapi system`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    repeat: Repeat,
}

pub fn run(args: &Args, session: &mut Session) -> Result<()> {
    let columns = columns();
    let mut explained = false;
    args.repeat.run(|at| {
        let info = session.system.performance_info()?;
        let mut document = session.output.document(at)?;
        document.record("system", &columns, &info)?;
        document.end()?;
        // Warn only once, and not on a terminal where the next sample would erase the warning.
        if !explained && (at.is_none() || session.output.height().is_none()) {
            diagnostics::warn_hidden(&session.system);
        }
        explained = true;
        Ok(true)
    })
}

/// Returns the figures of the machine. The overview prints them in machine formats.
pub fn columns() -> Vec<Column<PerformanceInfo>> {
    columns! { info: PerformanceInfo;
        "physical_total_bytes"     Number: Value::Bytes(info.physical_total), "RAM managed by the kernel: MemTotal";
        "physical_available_bytes" Number: Value::Bytes(info.physical_available), "available without paging: MemAvailable";
        "physical_free_bytes"      Number: Value::bytes(info.physical_free), "unused memory: MemFree";
        "system_cache_bytes"       Number: Value::bytes(info.system_cache), "file contents: Buffers + Cached + SReclaimable";
        "shared_bytes"             Number: Value::bytes(info.shared), "shared memory and tmpfs in the cache: Shmem";
        "commit_total_bytes"       Number: Value::Bytes(info.commit_total), "memory promised to programs: Committed_AS";
        "commit_limit_bytes"       Number: Value::Bytes(info.commit_limit), "MemTotal + SwapTotal, or the kernel's if enforced";
        "kernel_commit_limit_bytes" Number: Value::bytes(info.kernel_commit_limit), "enforced if vm.overcommit_memory is 2: CommitLimit";
        "commit_peak_bytes"        Number: Value::bytes(info.commit_peak), "largest commit so far, which Linux does not record";
        "kernel_total_bytes"       Number: Value::bytes(info.kernel_total), "kernel memory, paged and nonpaged";
        "kernel_paged_bytes"       Number: Value::bytes(info.kernel_paged), "reclaimable kernel memory: SReclaimable";
        "kernel_nonpaged_bytes"    Number: Value::bytes(info.kernel_nonpaged), "SUnreclaim + KernelStack + PageTables + Percpu";
        "per_cpu_bytes"            Number: Value::bytes(info.per_cpu), "part of nonpaged, a copy per processor: Percpu";
        "page_file_total_bytes"    Number: Value::bytes(info.swap_total), "size of all page files: SwapTotal";
        "page_file_free_bytes"     Number: Value::bytes(info.swap_free), "unused space in page files: SwapFree";
        "huge_page_size_bytes"     Number: huge(info, |pages| Value::Bytes(pages.size)), "default size of a huge page: Hugepagesize";
        "huge_pages_total"         Number: huge(info, |pages| Value::Count(pages.total)), "pages in the default pool: HugePages_Total";
        "huge_pages_free"          Number: huge(info, |pages| Value::Count(pages.free)), "unused pages in the default pool: HugePages_Free";
        "huge_pages_reserved"      Number: huge(info, |pages| Value::Count(pages.reserved)), "reserved pages in the default pool: HugePages_Rsvd";
        "huge_pages_surplus"       Number: huge(info, |pages| Value::Count(pages.surplus)), "pages above the configured size: HugePages_Surp";
        "huge_page_pools_bytes"    Number: huge(info, |pages| Value::bytes(pages.pools)), "pools of all page sizes: Hugetlb";
        "page_size_bytes"          Number: Value::Bytes(info.page_size), "size of a page";
        "handle_count"             Number: info.handle_count.map_or(Value::Unknown, Value::Count), "open files of all processes: file-nr";
        "process_count"            Number: Value::Count(info.process_count), "processes, including kernel threads";
        "thread_count"             Number: Value::Count(info.thread_count), "threads of all processes and of the kernel: loadavg";
    }
}

fn huge<'r>(info: &PerformanceInfo, value: fn(&HugePages) -> Value<'r>) -> Value<'r> {
    info.huge_pages.as_ref().map_or(Value::Unknown, value)
}
