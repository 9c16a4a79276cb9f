//! The exit code of the command.

/// An exit code.
pub type ExitCode = u32;

/// Returns the exit code for `main` to return. Ends the process instead if the code has more than 8
/// bits, because the standard library cannot return it.
pub fn exit(code: ExitCode) -> std::process::ExitCode {
    match u8::try_from(code) {
        Ok(code) => code.into(),
        Err(_) => std::process::exit(code.cast_signed()),
    }
}
