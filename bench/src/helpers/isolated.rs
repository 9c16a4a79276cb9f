//! A process that uses only this library, so that its allocations, peak memory and system calls can
//! be measured apart from those of the benchmark.
//!
//! `bench-isolated capture TIMES` captures all processes repeatedly, or never with 0. It prints the
//! number of allocations of a repeated capture and `VmHWM` in KiB, a line each. The first figure is
//! the median of all repetitions, because processes start and change their names during some of
//! them.
//!
//! `bench-isolated working-set PID` takes the working set of a process. It prints the peak of
//! allocated bytes, the bytes that its runs occupy, and the number of runs, a line each.

use std::error::Error;

use psapi::{Capture, Fields, System};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["capture", times] => capture(times.parse()?),
        ["working-set", id] => working_set(id.parse()?),
        _ => Err("usage: bench-isolated capture TIMES | working-set PID".into()),
    }
}

fn working_set(id: u32) -> Result<(), Box<dyn Error>> {
    let process = System::new().process(id)?;
    // The first working set fills the caches of the process.
    process.working_set()?;
    let mut set = None;
    let taken = allocation_counter::measure(|| set = Some(process.working_set()));
    let mut mappings = None;
    let listed = allocation_counter::measure(|| mappings = Some(process.mappings()));
    let set = set.ok_or("measure runs the closure")??;
    mappings.ok_or("measure runs the closure")??;
    println!("{}", taken.bytes_max);
    println!("{}", taken.bytes_current - listed.bytes_current);
    println!("{}", set.runs().count());
    Ok(())
}

fn capture(times: u32) -> Result<(), Box<dyn Error>> {
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
        .ok_or("/proc/self/status has no VmHWM")?;
    println!("{median}\n{}", peak.trim());
    Ok(())
}
