//! `PROC/swaps`: the swap areas in use, one `FILENAME TYPE SIZE USED PRIORITY` line each, below a
//! title. Sizes are in KiB.
//!
//! Columns are separated by spaces and tabs, which the kernel escapes in file names.

use std::borrow::Cow;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::Dir;
use crate::sys::linux::proc_root;
use crate::sys::linux::text::{decimal, signed_decimal, unescape, whole_lines};

/// One line of the file. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Swap<'a> {
    /// The path, with the suffix of a deleted file.
    pub(crate) path: Cow<'a, [u8]>,
    /// `partition` for block devices, or `file`. lxcfs reports an area of the type `virtual`.
    pub(crate) kind: &'a [u8],
    pub(crate) size: u64,
    pub(crate) used: u64,
    pub(crate) priority: i32,
}

fn parse_line(line: &[u8]) -> Option<Swap<'_>> {
    let mut fields = line
        // Only these separate fields. A path can contain all other white space.
        .split(|&byte| byte == b' ' || byte == b'\t')
        .filter(|field| !field.is_empty());
    let swap = Swap {
        path: unescape(fields.next()?),
        kind: fields.next()?,
        size: decimal(fields.next()?)?.checked_mul(1024)?,
        used: decimal(fields.next()?)?.checked_mul(1024)?,
        priority: signed_decimal(fields.next()?)?.try_into().ok()?,
    };
    fields.next().is_none().then_some(swap)
}

/// Parses the file. A file with only the title line lists no swap areas.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Swap<'_>>, &'static str> {
    if !text.ends_with(b"\n") {
        return Err("the file is truncated");
    }
    let mut lines = whole_lines(text);
    if !lines
        .next()
        .is_some_and(|title| title.starts_with(b"Filename"))
    {
        return Err("the title line is missing");
    }
    lines
        .map(|line| parse_line(line).ok_or("a line does not describe a swap area"))
        .collect()
}

/// Reads the file into `text` and parses it. Returns an empty list if the kernel lacks the file,
/// because it was built without swap.
pub(crate) fn read<'a>(proc: &Dir, text: &'a mut Vec<u8>) -> Result<Vec<Swap<'a>>, SourceError> {
    const FILE: &[u8] = b"swaps";
    if !proc_root::read_optional(proc, FILE, text)? {
        return Ok(Vec::new());
    }
    parse(text).map_err(|what| SourceError::new(proc.path_of(FILE), ErrorCause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

    #[test]
    fn parse_fills_every_field() {
        let text = format!(
            "{TITLE}/dev/dm-1                               partition\t8388604\t\t12\t\t-2\n\
             /swap\\040file\\011\\134\\012\\040(deleted) file\t\t18014398509481983\t0\t\t32767\n"
        );
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            [
                Swap {
                    path: b"/dev/dm-1"[..].into(),
                    kind: b"partition",
                    size: 8_388_604 * 1024,
                    used: 12 * 1024,
                    priority: -2,
                },
                Swap {
                    path: b"/swap file\t\\\n (deleted)"[..].into(),
                    kind: b"file",
                    size: 18_014_398_509_481_983 * 1024,
                    used: 0,
                    priority: 32767,
                },
            ]
        );
    }

    #[test]
    fn title_alone_means_no_swap() {
        assert_eq!(parse(TITLE.as_bytes()), Ok(Vec::new()));
    }

    #[test]
    fn file_truncated_within_line_is_rejected() {
        let text = format!("{TITLE}/dev/a partition 8 4 -2\n");
        for end in 0..text.len() {
            let parsed = parse(&text.as_bytes()[..end]);
            assert!(parsed.is_err() || parsed == Ok(Vec::new()) && end == TITLE.len());
        }
    }

    #[test]
    fn malformed_lines_are_rejected() {
        for line in [
            "",
            "/a",
            "/a file x 0 1",
            "/a file 18014398509481984 0 1",
            "/a file 8 -4 1",
            "/a file 8 4 2147483648",
            "/a file 8 4 1 more",
        ] {
            let text = format!("{TITLE}{line}\n");
            assert!(parse(text.as_bytes()).is_err(), "{line:?}");
        }
        assert!(parse(b"/a file 8 4 1\n").is_err());
    }
}
