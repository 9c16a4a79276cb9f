//! `lib/modules/RELEASE/modules.dep`: the files that drivers are loaded from, `FILE: FILES IT
//! NEEDS` a line.

use super::text::whole_lines;

/// The files, as paths from the directory that the list is in, or, where depmod was told so, from
/// the root.
pub(crate) fn files(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    whole_lines(text).filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some(&line[..colon]).filter(|path| !path.is_empty())
    })
}

/// The name of the driver that a file holds: the base name without `.ko` and what a compressor
/// added. `None` for a file that is no driver's.
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

/// A name in the form that the kernel gives it: in names, `-` and `_` are the same.
pub(crate) fn normalized(name: &[u8]) -> Vec<u8> {
    name.iter()
        .map(|&byte| if byte == b'-' { b'_' } else { byte })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_what_stands_before_the_colon() {
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
    fn every_compression_is_taken_off() {
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
    fn dashes_become_underscores() {
        assert_eq!(normalized(b"snd-hda_intel\xff"), b"snd_hda_intel\xff");
    }
}
