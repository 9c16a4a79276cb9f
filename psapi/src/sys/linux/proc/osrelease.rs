//! `PROC/sys/kernel/osrelease`: the kernel release, which is part of the paths of the kernel's
//! files below `lib/modules` and `boot`.
//!
//! `uname` returns the same for the running kernel. The proc root is read instead so that all
//! results come from one source, even if it is a recorded tree.

use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::decimal;

/// Parses a release. It must be a single file name, because it becomes part of a path.
pub(crate) fn parse(text: &[u8]) -> Option<&[u8]> {
    let release = text.trim_ascii();
    let is_name = !release.is_empty() && release != b"." && release != b"..";
    (is_name && !release.contains(&b'/') && !release.contains(&0)).then_some(release)
}

/// Returns the first two numbers of a release.
pub(crate) fn version(release: &[u8]) -> Option<(u64, u64)> {
    let mut numbers = release.split(|byte| !byte.is_ascii_digit()).map(decimal);
    Some((numbers.next()??, numbers.next()??))
}

/// Reads the release. Returns `None` if the proc root lacks the file, or its content is not a file
/// name.
pub(crate) fn read(proc: &Dir) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    proc.read(b"sys/kernel/osrelease", &mut text).ok()?;
    parse(&text).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_begins_the_release() {
        assert_eq!(version(b"5.10.0-46-amd64"), Some((5, 10)));
        assert_eq!(version(b"6.18-rc1"), Some((6, 18)));
        assert_eq!(version(b"6"), None);
        assert_eq!(version(b"linux"), None);
    }

    #[test]
    fn release_is_a_single_file_name() {
        assert_eq!(parse(b"6.1.0-18-amd64\n"), Some(&b"6.1.0-18-amd64"[..]));
        assert_eq!(parse(b"6.18.44\xff"), Some(&b"6.18.44\xff"[..]));
        for wrong in [&b""[..], b"\n", b"..\n", b".", b"../../etc", b"a\0b"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
