//! Calls that Wine refuses, and the pages that test programs write to for that reason.
//!
//! In a build with `--cfg standin`, psapi answers these calls. The stand-in knows no contents of
//! memory, so it follows a rule, which `touch()` of the programs for Windows makes true. Of the
//! pages of a region, those whose index is 3 modulo 4 are not in the working set.

#[cfg(windows)]
use psapi::{Error, ErrorKind, Process, System};

#[cfg(windows)]
use crate::{Program, programs, skip};

/// Returns true if psapi lists the pages of other processes. Skips otherwise.
pub fn lists_pages() -> bool {
    #[cfg(windows)]
    return is_supported(
        |process| process.working_set().map(drop),
        "Wine lists only the caller's own pages",
    );
    #[cfg(target_os = "linux")]
    true
}

/// Returns true if psapi records page faults. Skips otherwise.
pub fn records_faults() -> bool {
    #[cfg(windows)]
    return is_supported(
        |process| process.watch_working_set().map(drop),
        "Wine records no page faults",
    );
    #[cfg(target_os = "linux")]
    true
}

/// Returns true if psapi empties working sets. Skips otherwise.
pub fn empties_working_sets() -> bool {
    #[cfg(windows)]
    return is_supported(
        |process| process.empty_working_set().map(drop),
        "Wine empties no working set",
    );
    #[cfg(target_os = "linux")]
    true
}

/// Makes a call for a process of its own.
#[cfg(windows)]
fn is_supported(call: impl Fn(&Process) -> Result<(), Error>, reason: &str) -> bool {
    let subject = Program::compile(programs::WAITS, &[]).start();
    let process = System::new().process(subject.id()).unwrap();
    match call(&process) {
        Err(error) if error.kind() == ErrorKind::NotSupported => {
            skip(reason);
            false
        }
        result => {
            result.unwrap();
            true
        }
    }
}

/// Returns true if a test program's `touch()` writes to the page at an index.
pub const fn is_touched(index: u64) -> bool {
    cfg!(target_os = "linux") || index % 4 != 3
}

/// Returns the size of the touched pages in memory of a size.
pub const fn touched(size: u64) -> u64 {
    if cfg!(windows) { size / 4 * 3 } else { size }
}
