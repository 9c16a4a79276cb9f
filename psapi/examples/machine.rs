//! Prints the machine's memory, page files and device drivers.
//!
//! ```sh
//! cargo run -p psapi --example machine
//! ```

use psapi::System;

fn main() -> psapi::Result<()> {
    let system = System::new();

    let info = system.performance_info()?;
    let used = info.physical_total - info.physical_available;
    println!("memory  {used} of {} bytes in use", info.physical_total);
    println!(
        "commit  {} of {} bytes",
        info.commit_total, info.commit_limit
    );
    println!(
        "running {} processes, {} threads",
        info.process_count, info.thread_count
    );

    for file in system.page_files()? {
        println!(
            "page file {}: {} of {} bytes in use",
            file.path.display(),
            file.in_use,
            file.total
        );
    }
    for driver in system.loaded_drivers()? {
        // Load addresses require CAP_SYSLOG; without it they are unknown.
        let address = driver.load_address.map(|address| format!("{address:#x}"));
        println!(
            "driver {} at {}",
            driver.name.display(),
            address.as_deref().unwrap_or("-")
        );
    }
    Ok(())
}
