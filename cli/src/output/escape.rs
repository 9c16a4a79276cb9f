//! Names from outside, made fit to be seen: a process may call itself anything, and must not move
//! the cursor, recolour the screen or fake a line by it.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// Appends bytes as printable text and returns the number of columns it takes. Control
/// characters, invisible ones and bytes that are not UTF-8 become escapes (`\n`, `\x1b`,
/// `\u{202e}`, `\xff`).
pub fn push_printable(text: &mut String, bytes: &[u8]) -> usize {
    if bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
        text.extend(bytes.iter().map(|&byte| char::from(byte)));
        return bytes.len();
    }
    let mut width = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            width += push_character(text, character);
        }
        for byte in chunk.invalid() {
            // Writing to a String can't fail.
            let _ = write!(text, "\\x{byte:02x}");
            width += 4;
        }
    }
    width
}

/// The same as a text of its own.
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

/// Characters that show nothing but change how their neighbours show: direction marks, joiners,
/// tags.
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
    fn plain_text_stays_and_wide_characters_count_twice() {
        for (bytes, width) in [("bash", 4), ("a b", 3), ("naïve", 5), ("漢字", 4)] {
            let mut text = String::new();
            assert_eq!(push_printable(&mut text, bytes.as_bytes()), width);
            assert_eq!(text, bytes);
        }
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
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
