//! The `psapi` command.
use psapi::{Fields, System};

fn main() -> anyhow::Result<()> {
    for status in System::new().capture(Fields::MEMORY)?.processes() {
        println!(
            "{:>8} {:>12} {:?}",
            status.id,
            status.memory.map_or(0, |memory| memory.working_set),
            status.display_name()
        );
    }
    Ok(())
}
