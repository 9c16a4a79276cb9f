//! The exit code of the command.

/// An exit code.
pub type ExitCode = u8;

/// Returns the exit code for `main` to return.
pub fn exit(code: ExitCode) -> std::process::ExitCode {
    code.into()
}
