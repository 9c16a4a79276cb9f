//! `PROC/PID/maps`: the mappings of a process, one per line, by ascending address.

use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::error::{ErrorCause, SourceError};
use crate::sys::linux::dir::{Dir, read_whole};
use crate::sys::linux::text::{decimal, hexadecimal, whole_lines};

bitflags::bitflags! {
    /// The permissions of a mapping, with the bit values of `PROCMAP_QUERY`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Access: u8 {
        const READ = 1;
        const WRITE = 1 << 1;
        const EXECUTE = 1 << 2;
        const SHARED = 1 << 3;
    }
}

/// A mapping without its name (the kernel's `vm_area_struct`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vma {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) access: Access,
    pub(crate) file: FileId,
    /// The offset in the file in bytes.
    pub(crate) offset: u64,
}

/// The file that backs a mapping; all fields are zero without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn is_file(&self) -> bool {
        *self != FileId::default()
    }
}

/// Parses a line without its newline. Returns the mapping and its escaped name, which is a subslice
/// of the line even if it is empty.
pub(crate) fn parse_line(line: &[u8]) -> Option<(Vma, &[u8])> {
    let (start, rest) = split(line, b'-')?;
    let (end, rest) = split(rest, b' ')?;
    let (access, rest) = split(rest, b' ')?;
    let (offset, rest) = split(rest, b' ')?;
    let (major, rest) = split(rest, b':')?;
    let (minor, rest) = split(rest, b' ')?;
    // Padding follows the inode number only if the mapping has a name.
    let (inode, name) = split(rest, b' ').unwrap_or_else(|| rest.split_at(rest.len()));
    let (start, end) = (hexadecimal(start)?, hexadecimal(end)?);
    if start >= end {
        return None;
    }
    let vma = Vma {
        start,
        end,
        access: parse_access(access)?,
        file: FileId {
            major: hexadecimal(major)?.try_into().ok()?,
            minor: hexadecimal(minor)?.try_into().ok()?,
            inode: decimal(inode)?,
        },
        offset: hexadecimal(offset)?,
    };
    Some((vma, name.trim_ascii_start()))
}

fn split(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    // The fields are short; memchr would cost more than it saves.
    let at = bytes.iter().position(|&byte| byte == separator)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn parse_access(letters: &[u8]) -> Option<Access> {
    let &[read, write, execute, shared] = letters else {
        return None;
    };
    let bit = |letter, set, clear, flag| match letter {
        letter if letter == set => Some(flag),
        letter if letter == clear => Some(Access::empty()),
        _ => None,
    };
    Some(
        bit(read, b'r', b'-', Access::READ)?
            | bit(write, b'w', b'-', Access::WRITE)?
            | bit(execute, b'x', b'-', Access::EXECUTE)?
            | bit(shared, b's', b'p', Access::SHARED)?,
    )
}

/// Replaces each `\012` with a newline, writes the result to `plain`, and returns true if it
/// replaced any.
///
/// The kernel escapes only newlines and not the backslash itself, so a name can also contain
/// `\012` literally.
pub(crate) fn unescape(name: &[u8], plain: &mut Vec<u8>) -> bool {
    const NEWLINE: &[u8] = b"\\012";
    plain.clear();
    let mut rest = name;
    let mut found = false;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        if rest[at..].starts_with(NEWLINE) {
            plain.extend_from_slice(&rest[..at]);
            plain.push(b'\n');
            rest = &rest[at + NEWLINE.len()..];
            found = true;
        } else {
            plain.extend_from_slice(&rest[..=at]);
            rest = &rest[at + 1..];
        }
    }
    plain.extend_from_slice(rest);
    found
}

/// Escapes a name as the kernel does. This restores a name that [`unescape`] changed by mistake.
pub(crate) fn escape(name: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(name.len());
    for &byte in name {
        match byte {
            b'\n' => escaped.extend_from_slice(b"\\012"),
            byte => escaped.push(byte),
        }
    }
    escaped
}

/// An iterator over the mappings of a text, by ascending address, with their escaped names.
///
/// The kernel produces the file in pieces, and the process can change its mappings in between. The
/// iterator skips lines that do not ascend, are truncated or are invalid; `changed` reports this.
pub(crate) struct Lines<'a, I> {
    lines: I,
    cut: bool,
    reached: u64,
    changed: bool,
    _text: std::marker::PhantomData<&'a [u8]>,
}

pub(crate) fn lines(text: &[u8]) -> Lines<'_, impl Iterator<Item = &[u8]>> {
    Lines {
        lines: whole_lines(text),
        cut: text.last().is_some_and(|&last| last != b'\n'),
        reached: 0,
        changed: false,
        _text: std::marker::PhantomData,
    }
}

impl<I> Lines<'_, I> {
    /// Returns true if a line was skipped so far.
    pub(crate) fn changed(&self) -> bool {
        self.changed
    }
}

impl<'a, I: Iterator<Item = &'a [u8]>> Iterator for Lines<'a, I> {
    type Item = (Vma, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        for line in self.lines.by_ref() {
            match parse_line(line) {
                Some((vma, name)) if vma.start >= self.reached => {
                    self.reached = vma.end;
                    return Some((vma, name));
                }
                _ => self.changed = true,
            }
        }
        self.changed |= self.cut;
        None
    }
}

pub(crate) const FILE: &[u8] = b"maps";

/// Reads the file of a pinned process.
///
/// Fails with `ESRCH` if the process has no address space. Depending on its version, the kernel
/// then returns that error itself or an empty file.
pub(crate) fn read(process: &Dir, text: &mut Vec<u8>) -> Result<(), SourceError> {
    let maps = process.file(FILE)?;
    read_open(process, maps.as_fd(), text)
}

/// Like [`read`], with an open `maps` file.
pub(crate) fn read_open(
    process: &Dir,
    maps: BorrowedFd<'_>,
    text: &mut Vec<u8>,
) -> Result<(), SourceError> {
    rustix::fs::seek(maps, SeekFrom::Start(0))
        .and_then(|_| read_whole(maps, text))
        .map_err(|errno| process.error_at(FILE, errno))?;
    if text.is_empty() {
        return Err(process.error_at(FILE, Errno::SRCH));
    }
    if lines(text).next().is_none() {
        let cause = ErrorCause::Malformed("no line describes a mapping");
        return Err(SourceError::new(process.path_of(FILE), cause));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name_of(line: &[u8]) -> &[u8] {
        parse_line(line).unwrap().1
    }

    #[test]
    fn parses_all_fields() {
        let line = b"7f3a1c000000-7f3a1c021000 r-xs 0001f000 103:0a 131115 \
                     /usr/lib/with space/x  y.so (deleted)";
        let (vma, name) = parse_line(line).unwrap();
        assert_eq!(
            vma,
            Vma {
                start: 0x7f3a_1c00_0000,
                end: 0x7f3a_1c02_1000,
                access: Access::READ | Access::EXECUTE | Access::SHARED,
                file: FileId {
                    major: 0x103,
                    minor: 10,
                    inode: 131_115
                },
                offset: 0x1f000,
            }
        );
        assert_eq!(name, b"/usr/lib/with space/x  y.so (deleted)");
    }

    #[test]
    fn parses_empty_name_and_highest_addresses() {
        assert_eq!(name_of(b"1000-2000 ---p 00000000 00:00 0 "), b"");
        assert_eq!(name_of(b"1000-2000 ---p 00000000 00:00 0"), b"");
        let (vma, name) = parse_line(
            b"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
        )
        .unwrap();
        assert_eq!(
            (vma.start, name),
            (0xffff_ffff_ff60_0000, &b"[vsyscall]"[..])
        );
        assert!(!vma.file.is_file());
    }

    #[test]
    fn rejects_invalid_lines() {
        for line in [
            &b""[..],
            b"1000-2000",
            b"1000-2000 r--p",
            b"1000-2000 r--p 0 00:00",
            b"1000-2000 r--p 0 00:00 ",
            b"1000-2000 r-p 0 00:00 0 ",
            b"1000-2000 rw-? 0 00:00 0 ",
            b"2000-1000 r--p 0 00:00 0 ",
            b"1000-1000 r--p 0 00:00 0 ",
            b"g000-h000 r--p 0 00:00 0 ",
            b"1000-2000 r--p 0 100000000:00 0 ",
            b"1000-2000 r--p 0 00:00 18446744073709551616 ",
        ] {
            assert_eq!(parse_line(line), None, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn unescapes_only_newlines() {
        let mut plain = Vec::new();
        assert!(unescape(b"/a\\012b\\", &mut plain));
        assert_eq!(plain, b"/a\nb\\");
        assert!(!unescape(b"/a\\01\\\\x\xff", &mut plain));
        assert_eq!(plain, b"/a\\01\\\\x\xff");
        assert!(unescape(b"\\\\012\\012\\012", &mut plain));
        assert_eq!(plain, b"\\\n\n\n");
    }

    #[test]
    fn descending_line_is_skipped_and_reported() {
        let text =
            b"1000-3000 r--p 0 00:00 0 \n2000-4000 r--p 0 00:00 0 \n4000-5000 r--p 0 00:00 0 \n";
        let mut lines = lines(text);
        let starts: Vec<u64> = lines.by_ref().map(|(vma, _)| vma.start).collect();
        assert_eq!(starts, [0x1000, 0x4000]);
        assert!(lines.changed());
    }

    #[test]
    fn truncated_line_is_skipped_and_reported() {
        let mut lines = lines(b"1000-2000 r--p 0 00:00 0 \n2000-3000 r--p 0 00:00 0");
        assert_eq!(lines.by_ref().count(), 1);
        assert!(lines.changed());
    }

    /// Formats a line as the kernel's `show_map_vma` does.
    fn print(vma: &Vma, name: &[u8]) -> Vec<u8> {
        let letter = |flag, letter, other| {
            if vma.access.contains(flag) {
                letter
            } else {
                other
            }
        };
        let mut line = format!(
            "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {} ",
            vma.start,
            vma.end,
            letter(Access::READ, 'r', '-'),
            letter(Access::WRITE, 'w', '-'),
            letter(Access::EXECUTE, 'x', '-'),
            letter(Access::SHARED, 's', 'p'),
            vma.offset,
            vma.file.major,
            vma.file.minor,
            vma.file.inode,
        )
        .into_bytes();
        if !name.is_empty() {
            line.resize(line.len().max(73), b' ');
            line.extend_from_slice(&escape(name));
        }
        line
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_ascending_mappings(
            text in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut reached = 0;
            for (vma, _) in lines(&text) {
                prop_assert!(vma.start >= reached && vma.end > vma.start);
                reached = vma.end;
            }
            unescape(&text, &mut Vec::new());
        }

        #[test]
        fn damaged_line_does_not_panic(at in 0..90usize, byte in any::<u8>()) {
            let mut line = b"7f3a1c000000-7f3a1c021000 r-xp 0001f000 fe:00 131115 /usr/lib/x.so".to_vec();
            let at = at % line.len();
            line[at] = byte;
            parse_line(&line);
            parse_line(&line[..at]);
        }

        #[test]
        fn parses_lines_of_any_mapping(
            (start, size) in (0..u64::MAX / 2, 1..u64::MAX / 2),
            access in 0..16u8,
            (major, minor, inode, offset) in any::<(u32, u32, u64, u64)>(),
            name in proptest::collection::vec(any::<u8>().prop_filter("a backslash is not escaped", |b| *b != b'\\'), 0..60),
        ) {
            let vma = Vma {
                start,
                end: start + size,
                access: Access::from_bits(access).unwrap(),
                file: FileId { major, minor, inode },
                offset,
            };
            // A name starts with a slash, a bracket or a letter.
            let name = if name.is_empty() { name } else { [&b"/"[..], &name].concat() };
            let line = print(&vma, &name);
            let (parsed, escaped) = parse_line(&line).unwrap();
            let mut plain = Vec::new();
            unescape(escaped, &mut plain);
            prop_assert_eq!(parsed, vma);
            prop_assert_eq!(plain, name);
        }
    }
}
