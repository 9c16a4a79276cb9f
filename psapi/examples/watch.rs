//! Records the page faults of a process for five seconds, and prints the modules that caused them.
//!
//! ```sh
//! cargo run -p psapi --example watch -- PID
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use psapi::System;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(id) = std::env::args().nth(1) else {
        return Err("usage: watch PID".into());
    };
    let process = System::new().process(id.parse::<u32>()?)?;
    let map = process.address_map()?;
    let mut watch = process.watch_working_set()?;

    let end = Instant::now() + Duration::from_secs(5);
    let (mut counts, mut lost) = (BTreeMap::new(), 0);
    loop {
        let remaining = end.saturating_duration_since(Instant::now());
        // Read `has_ended` before the changes, so that the last faults are not missed.
        let is_last = !watch.wait(Some(remaining))? || remaining.is_zero() || watch.has_ended()?;
        let changes = watch.changes()?;
        lost += changes.lost;
        for fault in changes.faults {
            let location = map.resolve(fault.program_counter);
            let module = location.and_then(|location| location.module);
            *counts.entry(module.map(|module| &module.path)).or_insert(0) += 1;
        }
        if is_last {
            break;
        }
    }

    for (module, count) in counts {
        match module {
            Some(path) => println!("{count:>8} {}", path.display()),
            None => println!("{count:>8} no module"),
        }
    }
    println!("{lost:>8} lost");
    Ok(())
}
