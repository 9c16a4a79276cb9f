//! A process that loads many shared libraries.
//!
//! It reads a path per line, loads the library, and prints `ok` or `failed`. If a library ends the
//! process, the parent concludes from the missing line which one. After an empty line the process
//! prints `ready` and stays until its standard input is closed.

use std::io::{BufRead, Write};

use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};
use rustix::process::{Signal, set_parent_process_death_signal};

fn main() -> std::io::Result<()> {
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let mut lines = std::io::stdin().lock().lines();
    let mut output = std::io::stdout();
    for path in lines.by_ref() {
        let path = path?;
        if path.is_empty() {
            break;
        }
        // SAFETY: the library's initializers must be sound, which cannot be verified here. A faulty
        // one affects only this process, and the parent handles its crash.
        match unsafe { Library::open(Some(&path), RTLD_LAZY | RTLD_LOCAL) } {
            Ok(library) => {
                std::mem::forget(library);
                writeln!(output, "ok")?;
            }
            Err(_) => writeln!(output, "failed")?,
        }
    }
    writeln!(output, "ready")?;
    for _ in lines {}
    // Exit without the libraries' finalisers, which could hang or crash.
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL)?;
    Ok(())
}
