//! This library alone in a process: its allocations, its peak memory and its system calls can then
//! be told from those of the benchmark.
//!
//! Argument: how often to capture, 0 for the empty program. Prints, a line each, the allocations of
//! a repeated capture (the median of all repetitions: on a live machine a process may start or
//! change its name in one) and `VmHWM` in KiB.

use std::error::Error;

use psapi::{Capture, Fields, System};

fn main() -> Result<(), Box<dyn Error>> {
    let times: u32 = match std::env::args().nth(1) {
        Some(times) => times.parse()?,
        None => return Err("how often?".into()),
    };
    let mut allocations = Vec::new();
    if times > 0 {
        let system = System::new();
        let mut capture = Capture::new(Fields::MEMORY);
        capture.refresh(&system)?;
        for _ in 1..times {
            let mut result = Ok(());
            let counted = allocation_counter::measure(|| result = capture.refresh(&system));
            result?;
            allocations.push(counted.count_total);
        }
    }
    allocations.sort_unstable();
    let median = allocations.get(allocations.len() / 2).unwrap_or(&0);

    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))
        .ok_or("no VmHWM")?;
    println!("{median}\n{}", peak.trim());
    Ok(())
}
