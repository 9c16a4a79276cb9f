//! `PROC/sys/vm/overcommit_memory`: whether the kernel limits the memory promised to programs.

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc_root;
use crate::sys::linux::text::decimal;

/// The mode in which the kernel enforces the `CommitLimit` of `meminfo`.
const NEVER: u64 = 2;

/// Parses the mode. Returns true if the kernel enforces its limit.
pub(crate) fn parse_is_enforced(text: &[u8]) -> Result<bool, &'static str> {
    let line = text.strip_suffix(b"\n").ok_or("the line is truncated")?;
    let mode = decimal(line).ok_or("the mode is not a number")?;
    Ok(mode == NEVER)
}

/// Reads whether the kernel enforces its limit. A kernel without `sysctl` has no way to enforce it.
pub(crate) fn read_is_enforced(proc: &Dir, text: &mut Vec<u8>) -> Result<bool, SourceError> {
    const FILE: &[u8] = b"sys/vm/overcommit_memory";
    if !proc_root::read_optional(proc, FILE, text)? {
        return Ok(false);
    }
    parse_is_enforced(text)
        .map_err(|what| SourceError::new(proc.path_of(FILE), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mode_2_enforces_limit() {
        for (text, is_enforced) in [(b"0\n", false), (b"1\n", false), (b"2\n", true)] {
            assert_eq!(parse_is_enforced(text), Ok(is_enforced));
        }
    }

    #[test]
    fn malformed_mode_is_rejected() {
        for text in [&b""[..], b"2", b"\n", b"two\n", b"-1\n"] {
            assert!(parse_is_enforced(text).is_err(), "{text:?}");
        }
    }
}
