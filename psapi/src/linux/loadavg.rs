//! `PROC/loadavg`: load, and `RUNNING/ALL` threads in the fourth field.

use super::file::Directory;
use super::text::decimal;
use super::whole_proc;
use crate::error::{Cause, Refusal};

/// How many threads there are, those of the kernel included.
pub(crate) fn parse_threads(text: &[u8]) -> Result<u64, &'static str> {
    let line = text.strip_suffix(b"\n").ok_or("the line is cut off")?;
    let field = line.split(|&byte| byte == b' ').nth(3);
    field
        .and_then(|field| {
            let slash = memchr::memchr(b'/', field)?;
            decimal(&field[slash + 1..])
        })
        .ok_or("the fourth field is not two numbers of threads")
}

/// Reads the number of threads.
pub(crate) fn read_threads(proc: &Directory, text: &mut Vec<u8>) -> Result<u64, Refusal> {
    const FILE: &[u8] = b"loadavg";
    whole_proc::read(proc, FILE, text)?;
    parse_threads(text).map_err(|what| Refusal::new(proc.path_of(FILE), Cause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_behind_the_slash() {
        assert_eq!(parse_threads(b"0.01 0.05 0.02 1/87 6550\n"), Ok(87));
    }

    #[test]
    fn every_cut_is_refused() {
        let line = b"0.01 0.05 0.02 1/87 6550\n";
        for end in 0..line.len() {
            assert!(parse_threads(&line[..end]).is_err(), "cut at {end}");
        }
        for wrong in [&b"a b c d e\n"[..], b"a b c 1/ e\n", b"a b c 1/-2 e\n"] {
            assert!(parse_threads(wrong).is_err(), "{wrong:?}");
        }
    }
}
