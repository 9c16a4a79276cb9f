//! Measures the memory that one operation costs, as the difference between two working sets.
//!
//! ```sh
//! cargo run -p psapi --example operation_cost
//! ```

use psapi::System;

fn main() -> psapi::Result<()> {
    let process = System::new().current_process()?;

    let before = process.working_set()?;
    let table: Vec<u64> = (0..1 << 20).collect();
    let after = process.working_set()?;

    let difference = after.difference(&before)?;
    println!("added {} bytes", difference.totals().added.resident);
    for mapping in difference.totals_by_mapping() {
        let added = mapping.totals.added.resident;
        if let Some(after) = mapping.after.filter(|_| added > 0) {
            println!("{added:>12} {}", after.backing.label().display());
        }
    }
    println!("the table has {} bytes", size_of_val(&table[..]));
    Ok(())
}
