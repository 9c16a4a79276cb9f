//! Usage errors that the argument parser cannot detect, because they depend on several options or
//! on the environment. They are plain values, so that no subcommand depends on the whole command
//! line: `main` renders them the way the parser renders its own errors.

use std::fmt::{self, Display};

/// Wrong usage; the command exits with code 2.
#[derive(Debug)]
pub struct UsageError(String);

impl Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Returns a [`UsageError`] with this message.
pub fn usage(message: impl Display) -> anyhow::Error {
    UsageError(message.to_string()).into()
}
