//! How a process ended.

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ExitStatus {
    /// It exited with a code from 0 to 255. On Windows, the code can be any number. It is 1 after
    /// [`Process::terminate`](crate::Process::terminate), and an `NTSTATUS` after an exception.
    Code(u32),
    /// A signal killed it. Linux only.
    Signal(u32),
}
