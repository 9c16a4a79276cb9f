//! Calls every function of the C library with random arguments, as its tests do.
//!
//! Arguments: the library, how many calls, and the seed. Says how many descriptors and how many bytes
//! have leaked, a line each.

use std::error::Error;
use std::path::Path;

#[path = "../../../capi/tests/random_calls/calls.rs"]
mod calls;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, count, seed] = &arguments[..] else {
        return Err("which library, how many calls, and which seed?".into());
    };
    let count = count.parse()?;
    let report = calls::make(Path::new(library), count, seed.parse()?, private);
    // A good part of them is meant to do something.
    if report.succeeded < count / 10 {
        return Err(format!("hardly any call did something: {report:?}").into());
    }
    println!("{}\n{}", report.descriptors, report.memory.max(0));
    Ok(())
}

/// Private memory, with what the allocator keeps of it.
fn private() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the own status");
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok());
    kilobytes.expect("RssAnon") * 1024
}
