//! Options of a watch, and what a platform reports with it.

use std::time::Duration;

use crate::sys::ExitCode;

/// Options of a watch.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether to watch the processes that the process starts.
    pub children: bool,
    /// The time after which the watch ends.
    pub duration: Option<Duration>,
    /// Whether a terminal shows the number of faults during the watch of a process.
    pub running_count: bool,
}

/// The exit code for a failure of `psapi` itself, as `env` and `timeout` use it.
pub const OWN_FAILURE: ExitCode = 125;
/// The shell's exit codes for a command that cannot be executed or does not exist.
pub const NOT_EXECUTABLE: ExitCode = 126;
pub const NOT_FOUND: ExitCode = 127;

/// The buffers of a watch, and what they lack.
#[derive(Debug, Clone, Copy)]
pub struct Buffer {
    /// Size in bytes of the ring buffer of each CPU; `None` if it is unknown.
    pub size: Option<u64>,
    /// Whether the buffers are smaller than requested.
    pub is_small: bool,
    /// Whether faults inside system calls are missing.
    pub is_user_only: bool,
}

/// How a report names code: by function, or by instruction without symbols.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The name of the list.
    pub list: &'static str,
    /// The field of the list in JSON.
    pub noun: &'static str,
    /// The heading and the caption of a flame graph.
    pub heading: &'static str,
    pub caption: &'static str,
    /// Whether functions and source lines are known.
    pub has_symbols: bool,
}
