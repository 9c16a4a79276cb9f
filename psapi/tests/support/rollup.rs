//! What of a process is in memory, as the kernel finds it page by page.

use psapi::ProcessId;

use super::child::proc_file;
use super::kernel::kernel;

/// A figure of `smaps_rollup`, in bytes.
pub fn rollup(id: ProcessId, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps_rollup")).expect("text");
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, figure) = lines.find(|line| line.0 == name).expect("a figure");
    let kib = figure.trim().trim_end_matches(" kB").parse::<u64>();
    kib.expect("a number") * 1024
}

/// Whether the counters of `status` are behind what is in memory: before Linux 6.2 each thread keeps to
/// itself what up to 64 of its faults brought, of which one may bring the 16 pages around it.
pub fn counters_lag() -> bool {
    kernel() < (6, 2)
}

/// By how much they may be behind, in bytes, for a process of one thread.
pub fn lag() -> u64 {
    match counters_lag() {
        true => 64 * 16 * rustix::param::page_size() as u64,
        false => 0,
    }
}
