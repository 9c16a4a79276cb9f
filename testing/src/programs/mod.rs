//! The C programs that tests start, embedded so that tests can run without the source tree.
//!
//! The comment at the top of each file in `programs/` describes the fact that the program arranges.
//! A program in `programs/windows/` arranges the fact of the same name on Windows.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub use linux::*;
#[cfg(windows)]
pub use windows::*;
