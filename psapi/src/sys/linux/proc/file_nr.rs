//! `PROC/sys/fs/file-nr`: the system-wide numbers of open file descriptions, of descriptions that
//! are allocated but unused (always 0 since Linux 2.6), and their limit.

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc_root;
use crate::sys::linux::text::decimal;

/// Parses the line and returns the number of open file descriptions.
pub(crate) fn parse_open(text: &[u8]) -> Result<u64, &'static str> {
    let line = text.strip_suffix(b"\n").ok_or("the line is truncated")?;
    let mut fields = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
        .map(decimal);
    let mut next = || fields.next().flatten();
    // All three fields must be there, so that a truncated line is an error.
    let open = next().zip(next()).zip(next());
    open.map(|((open, _), _)| open)
        .ok_or("the line does not consist of three numbers")
}

/// Reads the number of open file descriptions. Returns `None` on a kernel without `sysctl`.
pub(crate) fn read_open(proc: &Dir, text: &mut Vec<u8>) -> Result<Option<u64>, SourceError> {
    const FILE: &[u8] = b"sys/fs/file-nr";
    if !proc_root::read_optional(proc, FILE, text)? {
        return Ok(None);
    }
    parse_open(text)
        .map(Some)
        .map_err(|what| SourceError::new(proc.path_of(FILE), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_field_is_open_files() {
        assert_eq!(parse_open(b"449\t0\t9223372036854775807\n"), Ok(449));
    }

    #[test]
    fn malformed_line_is_rejected() {
        let line = b"449\t0\t2466170\n";
        for end in 0..line.len() {
            assert!(parse_open(&line[..end]).is_err(), "cut at {end}");
        }
        assert!(parse_open(b"a\t0\t1\n").is_err());
        assert!(parse_open(b"1\t2\n").is_err());
    }
}
