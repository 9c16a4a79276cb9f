//! `PROC/swaps`: the page files in use, `FILE TYPE SIZE USED PRIORITY` a line below a title, sizes
//! in KiB.

use std::borrow::Cow;

use super::exe::split_deleted;
use super::file::Directory;
use super::text::{decimal, signed_decimal, unescape, whole_lines};
use super::whole_proc;
use crate::error::{Cause, Refusal};

/// One line of the file, sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Swap<'a> {
    pub(crate) path: Cow<'a, [u8]>,
    /// The device or file has no name any more.
    pub(crate) deleted: bool,
    /// `partition`, of block devices, or `file`; lxcfs makes one up that is `virtual`.
    pub(crate) kind: &'a [u8],
    pub(crate) size: u64,
    pub(crate) used: u64,
    pub(crate) priority: i32,
}

fn parse_line(line: &[u8]) -> Option<Swap<'_>> {
    let mut fields = line
        // Any other white space may be in the path.
        .split(|&byte| byte == b' ' || byte == b'\t')
        .filter(|field| !field.is_empty());
    let (path, deleted) = match unescape(fields.next()?) {
        Cow::Borrowed(path) => {
            let (path, deleted) = split_deleted(path);
            (Cow::Borrowed(path), deleted)
        }
        Cow::Owned(path) => {
            let (path, deleted) = split_deleted(&path);
            (Cow::Owned(path.to_vec()), deleted)
        }
    };
    let swap = Swap {
        path,
        deleted,
        kind: fields.next()?,
        size: decimal(fields.next()?)?.checked_mul(1024)?,
        used: decimal(fields.next()?)?.checked_mul(1024)?,
        priority: signed_decimal(fields.next()?)?.try_into().ok()?,
    };
    fields.next().is_none().then_some(swap)
}

/// Parses the file.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Swap<'_>>, &'static str> {
    if !text.ends_with(b"\n") {
        return Err("the file is cut off");
    }
    let mut lines = whole_lines(text);
    if !lines
        .next()
        .is_some_and(|title| title.starts_with(b"Filename"))
    {
        return Err("the title is missing");
    }
    lines
        .map(|line| parse_line(line).ok_or("a line describes no page file"))
        .collect()
}

/// Reads the file into `text`; a kernel built without swap has none, and so no page file.
pub(crate) fn read<'a>(proc: &Directory, text: &'a mut Vec<u8>) -> Result<Vec<Swap<'a>>, Refusal> {
    const FILE: &[u8] = b"swaps";
    if !whole_proc::read_optional(proc, FILE, text)? {
        return Ok(Vec::new());
    }
    parse(text).map_err(|what| Refusal::new(proc.path_of(FILE), Cause::Malformed(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

    #[test]
    fn every_field_is_where_the_kernel_puts_it() {
        let text = format!(
            "{TITLE}/dev/dm-1                               partition\t8388604\t\t12\t\t-2\n\
             /swap\\040file\\011\\134\\012\\040(deleted) file\t\t18014398509481983\t0\t\t32767\n"
        );
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            [
                Swap {
                    path: b"/dev/dm-1"[..].into(),
                    deleted: false,
                    kind: b"partition",
                    size: 8_388_604 * 1024,
                    used: 12 * 1024,
                    priority: -2,
                },
                Swap {
                    path: b"/swap file\t\\\n"[..].into(),
                    deleted: true,
                    kind: b"file",
                    size: 18_014_398_509_481_983 * 1024,
                    used: 0,
                    priority: 32767,
                },
            ]
        );
    }

    #[test]
    fn the_title_alone_is_no_page_file() {
        assert_eq!(parse(TITLE.as_bytes()), Ok(Vec::new()));
    }

    #[test]
    fn a_cut_file_is_refused_but_at_the_end_of_a_line() {
        let text = format!("{TITLE}/dev/a partition 8 4 -2\n");
        for end in 0..text.len() {
            let parsed = parse(&text.as_bytes()[..end]);
            assert!(parsed.is_err() || parsed == Ok(Vec::new()) && end == TITLE.len());
        }
    }

    #[test]
    fn what_is_no_page_file_is_refused() {
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
