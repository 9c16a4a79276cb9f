//! UTF-16 texts of Windows, converted without loss: an unpaired surrogate stays one.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};

/// Returns the units of a text whose bytes a call returned. An odd last byte is dropped.
pub(crate) fn units(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
}

/// Converts a text whose bytes a call returned.
pub(crate) fn os_string(bytes: &[u8]) -> OsString {
    let units: Vec<u16> = units(bytes).collect();
    from_wide(&units)
}

/// Converts a text.
pub(crate) fn from_wide(units: &[u16]) -> OsString {
    OsString::from_wide(units)
}

/// Converts a text back.
pub(crate) fn to_wide(text: &OsStr) -> Vec<u16> {
    text.encode_wide().collect()
}

/// Replaces a text. Nothing is allocated if the new text is the old one, or fits into its memory.
pub(crate) fn replace(text: &mut OsString, bytes: &[u8]) {
    if text.encode_wide().eq(units(bytes)) {
        return;
    }
    text.clear();
    // Enough for ASCII, as most texts are.
    text.reserve(bytes.len() / 2);
    for character in char::decode_utf16(units(bytes)) {
        match character {
            Ok(character) => text.push(character.encode_utf8(&mut [0; 4])),
            Err(error) => text.push(OsString::from_wide(&[error.unpaired_surrogate()])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_text_keeps_surrogates() {
        let mut text = OsString::from("an older and longer text");
        let capacity = text.capacity();
        for units in [
            &[0xD83D_u16, 0xDCA9, 0xD83D, 0x61, 0xDCA9][..],
            &[0x63, 0x61, 0x66, 0xE9],
            &[],
        ] {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            replace(&mut text, &bytes);
            assert_eq!(text, OsString::from_wide(units));
            assert_eq!(text, os_string(&bytes));
            assert_eq!(text.capacity(), capacity);
        }
    }
}
