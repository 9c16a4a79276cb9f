//! Conversions between bytes and `OsStr` for values that keep a text as bytes.
//!
//! Such a value is a command line or a table of control groups. It reuses one buffer, and slices
//! names from it on demand. The bytes are those of [`OsStr::as_encoded_bytes`]: on Windows WTF-8,
//! which is UTF-8 that can also encode unpaired surrogates.

use std::ffi::{OsStr, OsString};

/// Returns bytes as a text.
#[cfg(unix)]
pub(crate) fn os_str(bytes: &[u8]) -> &OsStr {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes)
}

/// Returns bytes as a text that another system might have written.
#[cfg(unix)]
pub(crate) fn foreign_text(bytes: &[u8]) -> OsString {
    os_str(bytes).to_owned()
}

/// Returns bytes as a text; empty if they are not from `OsStr::as_encoded_bytes`.
#[cfg(windows)]
pub(crate) fn os_str(bytes: &[u8]) -> &OsStr {
    if wtf8::valid_length(bytes) < bytes.len() {
        return OsStr::new("");
    }
    // SAFETY: the bytes are valid WTF-8, which is the encoding of `OsStr` on Windows.
    unsafe { OsStr::from_encoded_bytes_unchecked(bytes) }
}

/// Returns bytes as a text that another system might have written. U+FFFD replaces what this system
/// cannot express.
#[cfg(windows)]
pub(crate) fn foreign_text(mut bytes: &[u8]) -> OsString {
    let mut text = OsString::new();
    loop {
        let (valid, rest) = bytes.split_at(wtf8::valid_length(bytes));
        text.push(os_str(valid));
        let Some((_invalid, rest)) = rest.split_first() else {
            return text;
        };
        text.push("\u{FFFD}");
        bytes = rest;
    }
}

/// Returns bytes as a text; empty if they are not UTF-8.
#[cfg(not(any(unix, windows)))]
pub(crate) fn os_str(bytes: &[u8]) -> &OsStr {
    OsStr::new(str::from_utf8(bytes).unwrap_or_default())
}

/// Returns bytes as a text that another system might have written.
#[cfg(not(any(unix, windows)))]
pub(crate) fn foreign_text(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

#[cfg(any(windows, test))]
mod wtf8 {
    /// Returns how many bytes at the start are valid WTF-8.
    pub(super) fn valid_length(bytes: &[u8]) -> usize {
        let mut length = 0;
        let mut after_lead = false;
        loop {
            let rest = &bytes[length..];
            let valid = match str::from_utf8(rest) {
                Ok(_) => return bytes.len(),
                Err(error) => error.valid_up_to(),
            };
            length += valid;
            after_lead &= valid == 0;
            let is_trail = match bytes[length..] {
                [0xED, 0xA0..=0xAF, 0x80..=0xBF, ..] => false,
                // A pair of surrogates has an encoding of its own.
                [0xED, 0xB0..=0xBF, 0x80..=0xBF, ..] if !after_lead => true,
                _ => return length,
            };
            after_lead = !is_trail;
            length += 3;
        }
    }

    #[cfg(test)]
    mod tests {
        use super::valid_length;

        #[test]
        fn unpaired_surrogates_are_valid() {
            let lead = b"\xED\xA0\xBD";
            let trail = b"\xED\xB2\xA9";
            let join = |parts: &[&[u8]]| parts.concat();
            for (valid, bytes) in [
                (0, join(&[])),
                (5, join(&[b"a\xC3\xA9\xC3\xA9"])),
                (3, join(&[lead])),
                (6, join(&[lead, lead])),
                (6, join(&[trail, lead])),
                (7, join(&[lead, b"a", trail])),
                (3, join(&[lead, trail])),
                (9, join(&[trail, lead, lead, trail])),
                (1, join(&[b"a\xFF"])),
                (1, join(&[b"a\xED\xA0"])),
                (0, join(&[b"\xE9a"])),
            ] {
                assert_eq!(valid_length(&bytes), valid, "{bytes:x?}");
            }
        }
    }
}

#[cfg(all(test, windows))]
mod tests {
    use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};

    use super::*;

    #[test]
    fn surrogates_survive_both_ways() {
        let wide = [0xD83D, 0x61, 0xDCA9, 0xD83D, 0xDCA9];
        let text = OsString::from_wide(&wide);
        assert!(os_str(text.as_encoded_bytes()).encode_wide().eq(wide));
        assert_eq!(foreign_text(text.as_encoded_bytes()), text);
    }

    #[test]
    fn foreign_bytes_are_replaced() {
        assert_eq!(foreign_text(b"caf\xE9 a\xFF"), "caf\u{FFFD} a\u{FFFD}");
    }
}
