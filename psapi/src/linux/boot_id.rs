//! `PROC/sys/kernel/random/boot_id`: a number that tells this run of the machine from all others.

use super::file::Directory;
use super::text::hexadecimal;

/// A boot, by its number.
pub(crate) type BootId = [u8; 16];

/// The number, if the text is one: a UUID.
pub(crate) fn parse(text: &[u8]) -> Option<BootId> {
    let mut groups = text.strip_suffix(b"\n")?.split(|&byte| byte == b'-');
    let mut id = Vec::with_capacity(size_of::<BootId>());
    for length in [8, 4, 4, 4, 12] {
        let group = groups.next().filter(|group| group.len() == length)?;
        let bytes = hexadecimal(group)?.to_be_bytes();
        id.extend_from_slice(&bytes[bytes.len() - length / 2..]);
    }
    groups.next().is_none().then_some(())?;
    id.try_into().ok()
}

/// Reads the number; `None` where the proc root does not tell it.
pub(crate) fn read(proc: &Directory) -> Option<BootId> {
    let mut text = Vec::new();
    proc.read(b"sys/kernel/random/boot_id", &mut text).ok()?;
    parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_a_uuid() {
        let id = parse(b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffee\n").unwrap();
        assert_eq!(id[..6], [0x01, 0x45, 0xe3, 0xa9, 0x00, 0xff]);
        assert_eq!(id[10..], [0x9d, 0x2f, 0x10, 0xc0, 0xff, 0xee]);
        for no_id in [
            &b""[..],
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffee",
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffee-\n",
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffe\n",
            b"0145e3a9-00ff-4c1d-8b3e9d2f10c0ffee\n",
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffex\n",
        ] {
            assert_eq!(parse(no_id), None, "{no_id:?}");
        }
    }
}
