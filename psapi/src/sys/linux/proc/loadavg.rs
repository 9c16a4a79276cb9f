//! `PROC/loadavg`: three load averages, then `RUNNABLE/ALL` threads, then the last process id.
//!
//! The second number of the fourth field is the cheapest way to count the threads of all processes.

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc_root;
use crate::sys::linux::text::decimal;

/// Parses the line and returns the number of threads, including kernel threads.
pub(crate) fn parse_threads(text: &[u8]) -> Result<u64, &'static str> {
    let line = text.strip_suffix(b"\n").ok_or("the line is truncated")?;
    let field = line.split(|&byte| byte == b' ').nth(3);
    field
        .and_then(|field| {
            let slash = memchr::memchr(b'/', field)?;
            decimal(&field[slash + 1..])
        })
        .ok_or("the fourth field is not RUNNABLE/ALL")
}

/// Reads the number of threads, including kernel threads.
pub(crate) fn read_threads(proc: &Dir, text: &mut Vec<u8>) -> Result<u64, SourceError> {
    const FILE: &[u8] = b"loadavg";
    proc_root::read(proc, FILE, text)?;
    parse_threads(text)
        .map_err(|what| SourceError::new(proc.path_of(FILE), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_count_follows_the_slash() {
        assert_eq!(parse_threads(b"0.01 0.05 0.02 1/87 6550\n"), Ok(87));
    }

    #[test]
    fn malformed_line_is_rejected() {
        let line = b"0.01 0.05 0.02 1/87 6550\n";
        for end in 0..line.len() {
            assert!(parse_threads(&line[..end]).is_err(), "cut at {end}");
        }
        for wrong in [&b"a b c d e\n"[..], b"a b c 1/ e\n", b"a b c 1/-2 e\n"] {
            assert!(parse_threads(wrong).is_err(), "{wrong:?}");
        }
    }
}
