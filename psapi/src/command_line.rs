use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::linux::cmdline;

/// The arguments that a process was started with, or what it has put in their place. Source:
/// `PROC/PID/cmdline`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CommandLine(pub(crate) Vec<u8>);

impl CommandLine {
    /// The arguments, the program's own name first, empty ones included. A program that rewrote
    /// its title shows that as one argument, with empty ones behind it where it padded.
    pub fn arguments(&self) -> impl Iterator<Item = &OsStr> {
        cmdline::arguments(&self.0).map(OsStr::from_bytes)
    }

    /// The text as the kernel gives it: each argument closed by a NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
