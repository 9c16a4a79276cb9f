//! Windows: handles and the last error are the system's, and `kernel32.dll` has the functions of
//! `windows.h`.

pub mod copy;
pub mod encoding;
pub mod fault_flags;
pub mod figures;
pub mod handles;
pub mod last_error;
pub mod machine;
pub mod os_error;
pub mod state;
pub mod thread_state;
pub mod watching;
