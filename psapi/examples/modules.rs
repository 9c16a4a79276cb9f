//! Prints the modules of a process: its executable, shared libraries and the vDSO.
//!
//! ```sh
//! cargo run -p psapi --example modules -- PID
//! ```

use psapi::{Module, ModuleFields, ModuleFilter, System};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let system = System::new();
    let process = match std::env::args().nth(1) {
        Some(id) => system.process(id.parse::<u32>()?)?,
        None => system.current_process()?,
    };

    // Build ids cost extra, so they are read only on request.
    for module in process.modules_with(ModuleFilter::All, ModuleFields::BUILD_ID)? {
        let Module { base, size, .. } = module;
        let deleted = if module.deleted { " (deleted)" } else { "" };
        print!("{base:#x} {size:>10} {}{deleted}", module.path.display());
        match module.build_id {
            Some(id) => println!(" {id}"),
            None => println!(),
        }
    }
    Ok(())
}
