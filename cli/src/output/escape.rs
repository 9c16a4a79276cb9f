//! Escaping of names that come from the system. A process can choose any name, and must not be able
//! to move the cursor, recolor the screen or forge a line with that name.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use crate::sys;

/// Appends bytes as printable text and returns its width. Control characters, invisible characters
/// and what is not UTF-8 become escapes (`\n`, `\x1b`, `\u{202e}`, `\xff`).
pub fn push_printable(text: &mut String, bytes: &[u8]) -> usize {
    if bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
        text.extend(bytes.iter().map(|&byte| char::from(byte)));
        return bytes.len();
    }
    let mut width = 0;
    let mut rest = bytes;
    loop {
        let (valid, others) = match str::from_utf8(rest) {
            Ok(valid) => (valid, &[][..]),
            Err(error) => {
                let (valid, others) = rest.split_at(error.valid_up_to());
                (str::from_utf8(valid).unwrap_or_default(), others)
            }
        };
        for character in valid.chars() {
            width += push_character(text, character);
        }
        if others.is_empty() {
            return width;
        }
        let start = text.len();
        rest = &others[sys::push_invalid(text, others)..];
        width += text.len() - start;
    }
}

/// Returns bytes as printable text, like [`push_printable`].
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    push_printable(&mut text, bytes);
    text
}

fn push_character(text: &mut String, character: char) -> usize {
    let start = text.len();
    match character {
        '\n' => text.push_str("\\n"),
        '\t' => text.push_str("\\t"),
        '\r' => text.push_str("\\r"),
        '\0'..='\x1f' | '\x7f' => {
            let _ = write!(text, "\\x{:02x}", u32::from(character));
        }
        _ if character.is_control() || is_invisible(character) => {
            let _ = write!(text, "\\u{{{:x}}}", u32::from(character));
        }
        _ => {
            text.push(character);
            return character.width().unwrap_or(0);
        }
    }
    text.len() - start
}

/// Returns true for characters that are not visible themselves but change the display of their
/// neighbors: direction marks, joiners, tags.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_have_width_two() {
        for (bytes, width) in [("bash", 4), ("a b", 3), ("naïve", 5), ("漢字", 4)] {
            let mut text = String::new();
            assert_eq!(push_printable(&mut text, bytes.as_bytes()), width);
            assert_eq!(text, bytes);
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        for (bytes, shown) in [
            (&b"a) (b\n"[..], r"a) (b\n"),
            (b"\x1b[2J", r"\x1b[2J"),
            (b"\r\t\x7f", r"\r\t\x7f"),
            (b"\xff\xfe", r"\xff\xfe"),
            ("\u{9b}31m".as_bytes(), r"\u{9b}31m"),
            ("a\u{202e}b".as_bytes(), r"a\u{202e}b"),
        ] {
            let mut text = String::new();
            assert_eq!(push_printable(&mut text, bytes), shown.len());
            assert_eq!(text, shown);
        }
    }
}
