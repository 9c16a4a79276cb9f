//! Windows: faults are recorded by the working set watch, commands start suspended, and code is
//! named by module and offset.

mod code;
mod event_loop;
mod fault;
mod file_reader;
mod open_watch;

// The names that `engine/mod.rs` lists.
pub use code::{CODE, Frame, MissingSymbols, SourceLine};
pub use event_loop::{Outcome, watch_command, watch_process};
pub use fault::{FAULTS_ARE_DETAILED, Fault, fault_cpu, is_major, take_faults};
pub use file_reader::FileReader;
pub use open_watch::open_watch;

use crate::sys::ExitCode;
pub use crate::sys::restore_interrupts;

/// Returns `None`: no process is started as a helper.
pub fn run_as_helper() -> Option<ExitCode> {
    None
}
