//! A process with many shared libraries in it.
//!
//! Reads paths, one a line, loads each, and says `ok` or `failed`; if one ends the process instead,
//! the parent knows which. When the list ends with an empty line, it says `ready` and stays until
//! its standard input is closed.

use std::io::{BufRead, Write};

use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};
use rustix::process::{Signal, set_parent_process_death_signal};

fn main() -> std::io::Result<()> {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let mut lines = std::io::stdin().lock().lines();
    let mut say = std::io::stdout();
    for path in lines.by_ref() {
        let path = path?;
        if path.is_empty() {
            break;
        }
        // SAFETY: the library's initialisers run, and may do anything; that is why this is a
        // process of its own, whose end the parent survives.
        match unsafe { Library::open(Some(&path), RTLD_LAZY | RTLD_LOCAL) } {
            Ok(library) => {
                std::mem::forget(library);
                writeln!(say, "ok")?;
            }
            Err(_) => writeln!(say, "failed")?,
        }
    }
    writeln!(say, "ready")?;
    for _ in lines {}
    // Initialisers ran that nobody knows; their finalisers need not.
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL)?;
    Ok(())
}
