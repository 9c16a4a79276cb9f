//! Linux: faults are recorded by `perf_event_open`, commands are followed with `ptrace`, and
//! symbols are read from ELF files.

mod code;
mod event_loop;
mod exec_child;
mod fault;
mod file_reader;
mod file_systems;
mod open_watch;
mod signals;
mod tracer;

// The names that `engine/mod.rs` lists.
pub use code::{CODE, Frame, MissingSymbols, SourceLine};
pub use event_loop::{Outcome, watch_command, watch_process};
pub use fault::{FAULTS_ARE_DETAILED, Fault, fault_cpu, is_major, take_faults};
pub use file_reader::FileReader;
pub use open_watch::open_watch;
pub use signals::unblock_termination_signals as restore_interrupts;

/// Does the work of a helper process if this process was started as one, and returns its exit code.
pub fn run_as_helper() -> Option<u8> {
    exec_child::run().or_else(file_systems::run)
}
