//! Prints the ten processes with the largest working sets.
//!
//! ```sh
//! cargo run -p psapi --example processes
//! ```

use psapi::{Fields, System};

fn main() -> psapi::Result<()> {
    let mut processes = System::new()
        .capture(Fields::MEMORY | Fields::IMAGE)?
        .into_processes();
    processes.sort_by_key(|process| {
        let working_set = process.memory.map_or(0, |memory| memory.working_set);
        std::cmp::Reverse(working_set)
    });

    println!("{:>8} {:>12} {:>12} NAME", "PID", "WORKING SET", "COMMIT");
    for process in processes.iter().take(10) {
        // Skip zombies, which have no memory, and processes whose status could not be read.
        let (Some(name), Some(memory)) = (process.display_name(), process.memory) else {
            continue;
        };
        println!(
            "{:>8} {:>12} {:>12} {}",
            process.id,
            memory.working_set,
            memory.commit,
            name.display()
        );
    }
    Ok(())
}
