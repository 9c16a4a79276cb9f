//! Memory totals from `smaps_rollup`, for which the kernel walks the page tables.

use psapi::ProcessId;

use crate::kernel::kernel;
use crate::proc_file;

/// Returns a field of `/proc/PID/smaps_rollup` in bytes.
pub fn rollup(id: ProcessId, name: &str) -> u64 {
    let text = String::from_utf8(proc_file(id, "smaps_rollup")).expect("smaps_rollup is text");
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let field = lines.find(|line| line.0 == name);
    let (_, value) = field.unwrap_or_else(|| panic!("no field {name} in smaps_rollup"));
    let kib = value.trim().trim_end_matches(" kB").parse::<u64>();
    kib.expect("a number") * 1024
}

/// Returns true if the counters of `/proc/PID/status` lag the page tables.
///
/// Before Linux 6.2, each thread caches the changes of up to 64 faults, and a fault can map the 16
/// pages around its address.
pub fn counters_lag() -> bool {
    kernel() < (6, 2)
}

/// Returns how many bytes the counters can lag for a process with a single thread.
pub fn lag() -> u64 {
    if counters_lag() {
        64 * 16 * rustix::param::page_size() as u64
    } else {
        0
    }
}
