//! `PROC/sys/fs/file-nr`: how many files are open in all processes together, how many descriptions
//! are allocated and free, and how many there may be.

use super::file::Directory;
use super::text::decimal;
use super::whole_proc;
use crate::error::{Cause, Refusal};

/// How many files are open.
pub(crate) fn parse_open(text: &[u8]) -> Result<u64, &'static str> {
    let line = text.strip_suffix(b"\n").ok_or("the line is cut off")?;
    let mut fields = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
        .map(decimal);
    let mut next = || fields.next().flatten();
    let open = next().zip(next()).zip(next());
    open.map(|((open, _), _)| open)
        .ok_or("the line is not three numbers")
}

/// Reads how many files are open; `None` on a kernel without `sysctl`.
pub(crate) fn read_open(proc: &Directory, text: &mut Vec<u8>) -> Result<Option<u64>, Refusal> {
    const FILE: &[u8] = b"sys/fs/file-nr";
    if !whole_proc::read_optional(proc, FILE, text)? {
        return Ok(None);
    }
    parse_open(text)
        .map(Some)
        .map_err(|what| Refusal::new(proc.path_of(FILE), Cause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_come_first() {
        assert_eq!(parse_open(b"449\t0\t9223372036854775807\n"), Ok(449));
    }

    #[test]
    fn a_cut_or_odd_line_is_refused() {
        let line = b"449\t0\t2466170\n";
        for end in 0..line.len() {
            assert!(parse_open(&line[..end]).is_err(), "cut at {end}");
        }
        assert!(parse_open(b"a\t0\t1\n").is_err());
        assert!(parse_open(b"1\t2\n").is_err());
    }
}
