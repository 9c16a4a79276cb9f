//! `PROC/sys/kernel/random/boot_id`: a random UUID that the kernel generates once per boot.

use rustix::io::Errno;

use crate::error::SourceError;
use crate::sys::linux::dir::Dir;
use crate::sys::linux::text::hexadecimal;

/// The UUID of a boot.
pub(crate) type BootId = [u8; 16];

/// Parses a UUID followed by a newline.
pub(crate) fn parse(text: &[u8]) -> Option<BootId> {
    let mut groups = text.strip_suffix(b"\n")?.split(|&byte| byte == b'-');
    let mut id = Vec::with_capacity(size_of::<BootId>());
    for length in [8, 4, 4, 4, 12] {
        let group = groups.next().filter(|group| group.len() == length)?;
        // Two digits make a byte, and a group fills the low end of the number.
        let bytes = hexadecimal(group)?.to_be_bytes();
        id.extend_from_slice(&bytes[bytes.len() - length / 2..]);
    }
    groups.next().is_none().then_some(())?;
    id.try_into().ok()
}

/// Reads the UUID. Returns `None` if the proc root lacks the file, or its content is not a UUID.
pub(crate) fn read(proc: &Dir) -> Result<Option<BootId>, SourceError> {
    let mut text = Vec::new();
    match proc.read(b"sys/kernel/random/boot_id", &mut text) {
        Ok(()) => Ok(parse(&text)),
        Err(error) if error.is(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_only_uuids() {
        let id = parse(b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffee\n").unwrap();
        assert_eq!(id[..6], [0x01, 0x45, 0xe3, 0xa9, 0x00, 0xff]);
        assert_eq!(id[10..], [0x9d, 0x2f, 0x10, 0xc0, 0xff, 0xee]);
        for wrong in [
            &b""[..],
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffee",
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffee-\n",
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffe\n",
            b"0145e3a9-00ff-4c1d-8b3e9d2f10c0ffee\n",
            b"0145e3a9-00ff-4c1d-8b3e-9d2f10c0ffex\n",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
