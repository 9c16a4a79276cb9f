//! Where output goes.

use std::fs::File;
use std::io::{self, IsTerminal, StderrLock, StdoutLock, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::Terminal;
use super::style::Style;

/// A stream or a file.
#[derive(Debug)]
pub enum Sink {
    Stdout(StdoutLock<'static>),
    Stderr(StderrLock<'static>),
    File(File),
}

impl Sink {
    pub(super) fn style(&self) -> Style {
        match self {
            Sink::Stdout(stream) => Style::of(stream),
            Sink::Stderr(stream) => Style::of(stream),
            Sink::File(file) => Style::of(file),
        }
    }

    /// The size of the terminal that it is, if it is one.
    pub(super) fn terminal(&self) -> Option<Terminal> {
        let fd = self.as_fd();
        if !fd.is_terminal() {
            return None;
        }
        let (width, height) = terminal_size::terminal_size_of(fd)?;
        Some(Terminal {
            width: width.0.into(),
            height: height.0.into(),
        })
    }

    fn stream(&mut self) -> &mut dyn Write {
        match self {
            Sink::Stdout(stream) => stream,
            Sink::Stderr(stream) => stream,
            Sink::File(file) => file,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream().flush()
    }
}

impl AsFd for Sink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Sink::Stdout(stream) => stream.as_fd(),
            Sink::Stderr(stream) => stream.as_fd(),
            Sink::File(file) => file.as_fd(),
        }
    }
}
