//! Linux: handles, the last error and the functions of `windows.h`, none of which the system has.

pub mod cached_pid;
pub mod caller_strings;
pub mod copy;
pub mod encoding;
mod error_codes;
pub mod fault_flags;
pub mod figures;
pub mod handle_table;
pub mod handle_values;
pub mod handles;
pub mod last_error;
pub mod machine;
pub mod os_error;
pub mod peaks;
pub mod state;
#[cfg(test)]
pub mod test_memory;
pub mod thread_state;
pub mod watch_record;
pub mod watching;
pub mod win32;
