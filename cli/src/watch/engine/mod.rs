//! The watch itself: follows a process or a command, and records and counts its page faults.
//!
//! The files, from the bottom up. `linux` and `windows` provide the same names, which are listed
//! here:
//!
//! 1. `refresh_timer` and `running_count` stand alone. So do `signals`, `exec_child` and
//!    `file_systems` of Linux, and `suspended_command` of Windows.
//! 2. `file_reader` of each platform reads mappings, modules and code.
//! 3. `account`, `kernel_count` and `tally` hold figures, and `accounting` combines them.
//! 4. `open_watch` of each platform begins a watch.
//! 5. `session` fetches the faults of an open watch for the accounting.
//! 6. `tracer` of Linux follows a command with `ptrace`.
//! 7. `event_loop` of each platform drives the session and the command.

pub mod account;
pub mod accounting;
pub mod kernel_count;
#[cfg(target_os = "linux")]
mod linux;
pub mod options;
mod refresh_timer;
mod running_count;
pub mod session;
pub mod tally;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(windows)]
use windows as platform;

// Reading files, and the description of code.
pub use platform::{CODE, FileReader, Frame, MissingSymbols, SourceLine};

// Faults and their details.
pub use platform::{FAULTS_ARE_DETAILED, Fault, fault_cpu, is_major, take_faults};

// Watching.
pub use platform::{
    Outcome, open_watch, restore_interrupts, run_as_helper, watch_command, watch_process,
};
