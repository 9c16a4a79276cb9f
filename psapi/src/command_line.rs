//! The arguments of a process.

use std::ffi::OsStr;

use crate::sys::os_str;

/// The arguments that a process was started with, or the text that it replaced them with. Source:
/// `PROC/PID/cmdline`.
///
/// On Windows, the source is one text: `ProcessCommandLineInformation`. It is split as programs
/// themselves do, by the rules of Microsoft's C runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CommandLine(pub(crate) Vec<u8>);

impl CommandLine {
    /// Returns the arguments, including empty ones. The first is the name of the program.
    ///
    /// If a program replaced its arguments with a title, the title is one argument. Padding after
    /// it appears as empty arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &OsStr> {
        arguments(&self.0).map(os_str)
    }

    /// Returns the text as Linux reports it, with a NUL byte after each argument. On Windows, the
    /// arguments are in the encoding of [`OsStr::as_encoded_bytes`].
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Splits a command line into arguments. NUL bytes that pad a title cannot be distinguished from
/// empty arguments, because the kernel reports only the bytes.
pub(crate) fn arguments(cmdline: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = (!cmdline.is_empty()).then(|| cmdline.strip_suffix(b"\0").unwrap_or(cmdline));
    std::iter::from_fn(move || {
        let text = rest?;
        let nul = memchr::memchr(0, text);
        rest = nul.map(|nul| &text[nul + 1..]);
        Some(&text[..nul.unwrap_or(text.len())])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(cmdline: &[u8]) -> Vec<&[u8]> {
        arguments(cmdline).collect()
    }

    #[test]
    fn empty_arguments_are_returned() {
        assert_eq!(parse(b"cat\0a b\0\0"), [&b"cat"[..], b"a b", b""]);
        assert_eq!(parse(b"\0"), [b""]);
        assert_eq!(parse(b"caf\xe9\0"), [b"caf\xe9"]);
    }

    #[test]
    fn empty_command_line_has_no_arguments() {
        assert!(parse(b"").is_empty());
    }

    #[test]
    fn rewritten_title_is_one_argument() {
        assert_eq!(parse(b"nginx: worker process"), [b"nginx: worker process"]);
    }
}
