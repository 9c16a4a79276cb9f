//! Calls every function of the C library with random arguments, as its tests do.
//!
//! Arguments: the library, the number of calls, and the seed. It prints the number of leaked
//! descriptors and of leaked bytes, a line each.

use std::error::Error;
use std::path::Path;

use testing::c_library::random_calls;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, count, seed] = &arguments[..] else {
        return Err("usage: bench-random-calls LIBRARY CALLS SEED".into());
    };
    let count = count.parse()?;
    let report = random_calls::make(Path::new(library), count, seed.parse()?, private);
    // The arguments are chosen so that a good part of the calls succeeds.
    if report.succeeded < count / 10 {
        return Err(format!("fewer than a tenth of the calls succeeded: {report:?}").into());
    }
    println!("{}\n{}", report.descriptors, report.memory.max(0));
    Ok(())
}

/// Returns the private memory of this process in bytes, including freed memory that the allocator
/// keeps.
fn private() -> i64 {
    let status =
        std::fs::read_to_string("/proc/self/status").expect("/proc/self/status is readable");
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok());
    kilobytes.expect("/proc/self/status has RssAnon") * 1024
}
