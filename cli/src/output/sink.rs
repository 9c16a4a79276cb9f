//! The stream or file that output is written to.

use std::fs::File;
use std::io::{self, IsTerminal, StderrLock, StdoutLock, Write};

use super::style::Style;
use crate::sys;

/// A standard stream or a file.
#[derive(Debug)]
pub enum Sink {
    Stdout(StdoutLock<'static>),
    Stderr(StderrLock<'static>),
    File(File),
}

/// The size of a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Sink {
    pub(super) fn style(&self) -> Style {
        match self {
            Sink::Stdout(stream) => Style::of(stream),
            Sink::Stderr(stream) => Style::of(stream),
            Sink::File(file) => Style::of(file),
        }
    }

    /// Returns the size of the terminal; `None` if the stream is not a terminal.
    pub(super) fn terminal(&self) -> Option<Terminal> {
        match self {
            Sink::Stdout(stream) => terminal_of(stream),
            Sink::Stderr(stream) => terminal_of(stream),
            Sink::File(file) => terminal_of(file),
        }
    }
}

fn terminal_of<S: IsTerminal + sys::AsStream>(stream: &S) -> Option<Terminal> {
    if !stream.is_terminal() {
        return None;
    }
    sys::enable_escapes(stream);
    let (width, height) = terminal_size::terminal_size_of(stream)?;
    Some(Terminal {
        width: width.0.into(),
        height: height.0.into(),
    })
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Stdout(stream) => sys::write_stdout(stream, bytes),
            Sink::Stderr(stream) => stream.write(bytes),
            Sink::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            // Nothing is buffered.
            Sink::Stdout(_) => Ok(()),
            Sink::Stderr(stream) => stream.flush(),
            Sink::File(file) => file.flush(),
        }
    }
}
