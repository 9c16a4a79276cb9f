//! `lib/modules/RELEASE/modules.dep`: the files of loadable drivers, one `FILE: DEPENDENCIES` line
//! each.

use crate::sys::linux::text::whole_lines;

/// Returns the paths of the drivers' files. They are relative to `lib/modules/RELEASE` or,
/// depending on the options of `depmod`, absolute.
pub(crate) fn files(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    whole_lines(text).filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some(&line[..colon]).filter(|path| !path.is_empty())
    })
}

/// Returns the name of the driver in a file: the base name without `.ko` and the suffix of a
/// compression format. Returns `None` for files of other kinds.
pub(crate) fn name_of(path: &[u8]) -> Option<&[u8]> {
    let base = match memchr::memrchr(b'/', path) {
        Some(slash) => &path[slash + 1..],
        None => path,
    };
    let plain = [&b".gz"[..], b".xz", b".zst"]
        .iter()
        .find_map(|suffix| base.strip_suffix(*suffix))
        .unwrap_or(base);
    plain.strip_suffix(b".ko").filter(|name| !name.is_empty())
}

/// Returns the name as the kernel prints it. The kernel treats `-` and `_` in names as equal, and
/// prints `_`.
pub(crate) fn normalized(name: &[u8]) -> Vec<u8> {
    name.iter()
        .map(|&byte| if byte == b'-' { b'_' } else { byte })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_before_colon() {
        let text = b"kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz\n\
kernel/lib/crc16.ko:\n/opt/x/x.ko: a\n: b\nnonsense\n\ncut.ko: ";
        assert_eq!(
            files(text).collect::<Vec<_>>(),
            [
                &b"kernel/fs/ext4/ext4.ko.xz"[..],
                b"kernel/lib/crc16.ko",
                b"/opt/x/x.ko"
            ]
        );
    }

    #[test]
    fn name_has_no_compression_suffix() {
        for path in [
            "kernel/snd-hda.ko",
            "snd-hda.ko.gz",
            "/a/snd-hda.ko.xz",
            "b/snd-hda.ko.zst",
        ] {
            assert_eq!(name_of(path.as_bytes()), Some(&b"snd-hda"[..]), "{path}");
        }
        for path in ["", "a", "a.gz", ".ko", "a/.ko.xz", "a.ko/", "a.ko.bz2"] {
            assert_eq!(name_of(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn normalized_replaces_dashes() {
        assert_eq!(normalized(b"snd-hda_intel\xff"), b"snd_hda_intel\xff");
    }
}
