//! Standard output and terminals.

use std::io::{self, StdoutLock};

use std::os::fd::AsFd;

use rustix::io::Errno;

use super::closed_stdout::stdout_was_closed;

/// A stream that can be a terminal.
pub trait AsStream: AsFd {}

impl<Stream: AsFd> AsStream for Stream {}

/// Writes to standard output without a buffer.
pub fn write_stdout(stream: &mut StdoutLock<'_>, bytes: &[u8]) -> io::Result<usize> {
    if stdout_was_closed() {
        return Err(Errno::BADF.into());
    }
    // The standard library takes a descriptor that cannot be written for a success.
    Ok(rustix::io::write(stream, bytes)?)
}

/// Makes a terminal interpret escape sequences. Terminals of Linux always do.
pub fn enable_escapes(_: &impl AsStream) {}
