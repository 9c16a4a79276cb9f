//! Support for the live tests of the library, the C library and the command.
//!
//! A live test starts one of the C [`programs`] as a [`TestProcess`] that arranges a fact. It then
//! compares psapi's results with an independent source. On Linux, a test compiles the program. On
//! Windows, programs are compiled with this crate. The modules that only Linux has arrange facts
//! that require privileges. If the machine does not permit that, a test calls [`skip`] with the
//! reason.

#[cfg(feature = "c-library")]
pub mod c_library;
pub mod command;
#[cfg(target_os = "linux")]
mod linux;
mod process;
mod program;
pub mod programs;
pub mod refused;
mod skip;
mod wait;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub mod wine_host;

#[cfg(target_os = "linux")]
pub use linux::*;
pub use process::TestProcess;
#[cfg(target_os = "linux")]
pub use process::proc_file;
pub use program::{Program, public_directory};
pub use programs::Source;
pub use skip::{has_program, is_installed, skip};
pub use wait::wait_until;
#[cfg(windows)]
pub use windows::*;
