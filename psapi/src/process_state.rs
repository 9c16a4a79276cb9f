use std::fmt;

/// What the first thread of a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum ProcessState {
    /// `R`: running, or waiting for a processor.
    Running,
    /// `S`: waiting for an event; a signal wakes it.
    Sleeping,
    /// `D`: waiting for an event, usually a disk; signals wait, too.
    DiskSleep,
    /// `I`: a kernel thread without work.
    Idle,
    /// `T`: stopped by a signal.
    Stopped,
    /// `t`: stopped by a tracer.
    TracingStop,
    /// `Z`: ended, and not yet reaped by its parent.
    Zombie,
    /// `X`: about to disappear.
    Dead,
    /// `P`: a kernel thread that is parked.
    Parked,
    /// A letter that this version does not know.
    Other(u8),
}

impl ProcessState {
    /// The state for a letter of the kernel's.
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

    /// The kernel's letter, as `ps` prints it.
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
