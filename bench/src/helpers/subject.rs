//! This library alone in a process: its allocations, its peak memory and its system calls can then
//! be told from those of the benchmark.
//!
//! Arguments: `capture` and how often, 0 for the empty program. Prints, a line each, the allocations
//! of a repeated capture (the median of all repetitions: on a live machine a process may start or
//! change its name in one) and `VmHWM` in KiB.
//!
//! Or `working-set` and the id of a process. Prints, a line each, the bytes that taking it needs at
//! the most, those that its runs keep, and how many runs there are.

use std::error::Error;

use psapi::{Capture, Fields, System};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["capture", times] => capture(times.parse()?),
        ["working-set", id] => working_set(id.parse()?),
        _ => Err("what, and how often or of whom?".into()),
    }
}

fn working_set(id: u32) -> Result<(), Box<dyn Error>> {
    let process = System::new().process(id)?;
    // What is found out once is known from now on.
    process.working_set()?;
    let mut answer = None;
    let taken = allocation_counter::measure(|| answer = Some(process.working_set()));
    let mut mappings = None;
    let listed = allocation_counter::measure(|| mappings = Some(process.mappings()));
    let set = answer.ok_or("no answer")??;
    mappings.ok_or("no answer")??;
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
        .ok_or("no VmHWM")?;
    println!("{median}\n{}", peak.trim());
    Ok(())
}
