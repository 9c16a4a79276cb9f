//! `psapi perf`: the machine's memory, and how much runs on it.

use anyhow::Result;
use psapi::{HugePages, PerformanceInfo};

use crate::explain;
use crate::output::{Column, Shape, Value};
use crate::repeat::Repeat;
use crate::session::Session;

/// Options of `psapi perf`.
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
        // Once; and a terminal that shows one sample in the place of another has no room for it.
        if !explained && (at.is_none() || session.output.height().is_none()) {
            explain::missing(&session.system);
        }
        explained = true;
        Ok(true)
    })
}

/// What is known of the machine. The overview shares the machine formats with this subcommand.
pub fn columns() -> Vec<Column<PerformanceInfo>> {
    vec![
        figure(
            "physical_total_bytes",
            "RAM that the kernel manages: MemTotal",
            |info| Value::Bytes(info.physical_total),
        ),
        figure(
            "physical_available_bytes",
            "what programs could have without paging: MemAvailable",
            |info| Value::Bytes(info.physical_available),
        ),
        figure(
            "physical_free_bytes",
            "what nothing uses at all: MemFree",
            |info| Value::Bytes(info.physical_free),
        ),
        figure(
            "system_cache_bytes",
            "contents of files: Buffers + Cached + SReclaimable",
            |info| Value::Bytes(info.system_cache),
        ),
        figure(
            "shared_bytes",
            "of the cache, shared memory and tmpfs: Shmem",
            |info| Value::Bytes(info.shared),
        ),
        figure(
            "commit_total_bytes",
            "promised to programs, touched or not: Committed_AS",
            |info| Value::Bytes(info.commit_total),
        ),
        figure(
            "commit_limit_bytes",
            "the most that may be, if vm.overcommit_memory is 2: CommitLimit",
            |info| Value::Bytes(info.commit_limit),
        ),
        figure("commit_peak_bytes", "Linux keeps no such peak", |info| {
            bytes(info.commit_peak)
        }),
        figure(
            "kernel_total_bytes",
            "the kernel's own, paged and nonpaged",
            |info| Value::Bytes(info.kernel_total),
        ),
        figure(
            "kernel_paged_bytes",
            "of that, given back when RAM is short: SReclaimable",
            |info| Value::Bytes(info.kernel_paged),
        ),
        figure(
            "kernel_nonpaged_bytes",
            "SUnreclaim + KernelStack + PageTables + Percpu",
            |info| Value::Bytes(info.kernel_nonpaged),
        ),
        figure(
            "per_cpu_bytes",
            "of that, a copy for each processor: Percpu",
            |info| bytes(info.per_cpu),
        ),
        figure(
            "page_file_total_bytes",
            "all page files together: SwapTotal",
            |info| Value::Bytes(info.swap_total),
        ),
        figure(
            "page_file_free_bytes",
            "of that, not in use: SwapFree",
            |info| Value::Bytes(info.swap_free),
        ),
        figure(
            "huge_page_size_bytes",
            "the usual huge page: Hugepagesize",
            |info| huge(info, |pages| Value::Bytes(pages.size)),
        ),
        figure("huge_pages_total", "in the pool: HugePages_Total", |info| {
            huge(info, |pages| Value::Count(pages.total))
        }),
        figure(
            "huge_pages_free",
            "of those, not in use: HugePages_Free",
            |info| huge(info, |pages| Value::Count(pages.free)),
        ),
        figure(
            "huge_pages_reserved",
            "of those, promised: HugePages_Rsvd",
            |info| huge(info, |pages| Value::Count(pages.reserved)),
        ),
        figure(
            "huge_pages_surplus",
            "above the pool's set size: HugePages_Surp",
            |info| huge(info, |pages| Value::Count(pages.surplus)),
        ),
        figure(
            "huge_page_pools_bytes",
            "pools of all sizes: Hugetlb",
            |info| huge(info, |pages| bytes(pages.pools)),
        ),
        figure("page_size_bytes", "the size of a page", |info| {
            Value::Bytes(info.page_size)
        }),
        figure(
            "handle_count",
            "open files of all processes: file-nr",
            |info| info.handle_count.map_or(Value::Unknown, Value::Count),
        ),
        figure("process_count", "threads of the kernel included", |info| {
            Value::Count(info.process_count)
        }),
        figure(
            "thread_count",
            "of all processes and the kernel: loadavg",
            |info| Value::Count(info.thread_count),
        ),
    ]
}

fn figure(
    field: &'static str,
    about: &'static str,
    value: for<'r> fn(&'r PerformanceInfo) -> Value<'r>,
) -> Column<PerformanceInfo> {
    Column::new((field, field, field), Shape::Number, about, value)
}

fn bytes<'r>(size: Option<u64>) -> Value<'r> {
    size.map_or(Value::Unknown, Value::Bytes)
}

fn huge<'r>(info: &PerformanceInfo, value: fn(&HugePages) -> Value<'r>) -> Value<'r> {
    info.huge_pages.as_ref().map_or(Value::Unknown, value)
}
