//! The state of a process.

use std::fmt;

/// The state of the group leader of a process, with the letters of Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum ProcessState {
    /// `R`: running, or ready to run.
    Running,
    /// `S`: waiting for an event; a signal interrupts the wait.
    Sleeping,
    /// `D`: waiting for an event, usually for a disk; signals do not interrupt the wait.
    DiskSleep,
    /// `I`: a kernel thread without work.
    Idle,
    /// `T`: stopped by a signal.
    Stopped,
    /// `t`: stopped by a tracer.
    TracingStop,
    /// `Z`: ended, but not yet reaped by its parent.
    Zombie,
    /// `X`: being removed.
    Dead,
    /// `P`: a kernel thread that is parked.
    Parked,
    /// A letter that this version of the crate does not recognize.
    Other(u8),
}

impl ProcessState {
    /// Returns the state that a letter of the kernel stands for.
    pub const fn from_letter(letter: u8) -> Self {
        match letter {
            b'R' => ProcessState::Running,
            b'S' => ProcessState::Sleeping,
            b'D' => ProcessState::DiskSleep,
            b'I' => ProcessState::Idle,
            b'T' => ProcessState::Stopped,
            b't' => ProcessState::TracingStop,
            b'Z' => ProcessState::Zombie,
            b'X' => ProcessState::Dead,
            b'P' => ProcessState::Parked,
            other => ProcessState::Other(other),
        }
    }

    /// Returns the kernel's letter, as `ps` prints it.
    pub const fn letter(self) -> char {
        match self {
            ProcessState::Running => 'R',
            ProcessState::Sleeping => 'S',
            ProcessState::DiskSleep => 'D',
            ProcessState::Idle => 'I',
            ProcessState::Stopped => 'T',
            ProcessState::TracingStop => 't',
            ProcessState::Zombie => 'Z',
            ProcessState::Dead => 'X',
            ProcessState::Parked => 'P',
            ProcessState::Other(letter) => letter as char,
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letter().fmt(f)
    }
}
