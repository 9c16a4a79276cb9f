//! `PROC/sys/kernel/osrelease`: the release that names the kernel's files under `lib/modules` and
//! `boot`. Read from the proc root, so that the answer is of the same kernel as the rest.

use super::file::Directory;

/// The release, if the text is one: a single file name.
pub(crate) fn parse(text: &[u8]) -> Option<&[u8]> {
    let release = text.trim_ascii();
    let is_name = !release.is_empty() && release != b"." && release != b"..";
    (is_name && !release.contains(&b'/') && !release.contains(&0)).then_some(release)
}

/// Reads the release; `None` where the proc root does not tell it.
pub(crate) fn read(proc: &Directory) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    proc.read(b"sys/kernel/osrelease", &mut text).ok()?;
    parse(&text).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_one_file_name() {
        assert_eq!(parse(b"6.1.0-18-amd64\n"), Some(&b"6.1.0-18-amd64"[..]));
        assert_eq!(parse(b"6.18.44\xff"), Some(&b"6.18.44\xff"[..]));
        for no_name in [&b""[..], b"\n", b"..\n", b".", b"../../etc", b"a\0b"] {
            assert_eq!(parse(no_name), None, "{no_name:?}");
        }
    }
}
