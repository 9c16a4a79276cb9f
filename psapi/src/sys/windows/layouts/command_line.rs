//! The arguments in a command line, which is one text on Windows.
//!
//! Programs split it themselves, most of them by the rules of Microsoft's C runtime: "Parsing C
//! command-line arguments" in its documentation.

/// Appends the arguments of a command line in UTF-16 to `into`: each in WTF-8, with a NUL at its
/// end. A NUL ends the command line.
pub(crate) fn split(text: &[u8], into: &mut Vec<u8>) {
    let mut units = text
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .take_while(|&unit| unit != 0)
        .peekable();
    if units.peek().is_none() {
        return;
    }
    // The name of the program has no escapes, because names of files contain backslashes.
    let mut argument = Wtf8::new(into);
    let mut is_quoted = false;
    while let Some(unit) = units.next_if(|&unit| is_quoted || !is_space(unit)) {
        if unit == QUOTE {
            is_quoted = !is_quoted;
        } else {
            argument.push(unit);
        }
    }
    argument.end();
    loop {
        while units.next_if(|&unit| is_space(unit)).is_some() {}
        if units.peek().is_none() {
            return;
        }
        let mut argument = Wtf8::new(into);
        is_quoted = false;
        while let Some(unit) = units.next_if(|&unit| is_quoted || !is_space(unit)) {
            match unit {
                BACKSLASH => {
                    let mut count = 1;
                    while units.next_if_eq(&BACKSLASH).is_some() {
                        count += 1;
                    }
                    // Before a quote, two backslashes stand for one.
                    let is_before_quote = units.peek() == Some(&QUOTE);
                    let shown = if is_before_quote { count / 2 } else { count };
                    (0..shown).for_each(|_| argument.push(BACKSLASH));
                    if is_before_quote && count % 2 == 1 {
                        units.next();
                        argument.push(QUOTE);
                    }
                }
                // Within quotes, two quotes stand for one.
                QUOTE if is_quoted && units.next_if_eq(&QUOTE).is_some() => argument.push(QUOTE),
                QUOTE => is_quoted = !is_quoted,
                unit => argument.push(unit),
            }
        }
        argument.end();
    }
}

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;

fn is_space(unit: u16) -> bool {
    unit == u16::from(b' ') || unit == u16::from(b'\t')
}

/// A text that grows by UTF-16 units.
struct Wtf8<'b> {
    bytes: &'b mut Vec<u8>,
    /// The first half of a pair of surrogates.
    lead: Option<u16>,
}

impl<'b> Wtf8<'b> {
    fn new(bytes: &'b mut Vec<u8>) -> Self {
        Wtf8 { bytes, lead: None }
    }

    fn push(&mut self, unit: u16) {
        if let Some(lead) = self.lead.take() {
            if let Some(Ok(pair)) = char::decode_utf16([lead, unit]).next() {
                self.push_character(pair);
                return;
            }
            self.push_surrogate(lead);
        }
        match char::from_u32(unit.into()) {
            Some(character) => self.push_character(character),
            None if unit < 0xDC00 => self.lead = Some(unit),
            None => self.push_surrogate(unit),
        }
    }

    fn end(mut self) {
        if let Some(lead) = self.lead.take() {
            self.push_surrogate(lead);
        }
        self.bytes.push(0);
    }

    fn push_character(&mut self, character: char) {
        let bytes = character.encode_utf8(&mut [0; 4]).len();
        let start = self.bytes.len();
        self.bytes.resize(start + bytes, 0);
        character.encode_utf8(&mut self.bytes[start..]);
    }

    fn push_surrogate(&mut self, unit: u16) {
        let continuation = |bits: u16| 0x80 | (bits & 0x3F) as u8;
        let lead = 0xE0 | (unit >> 12) as u8;
        self.bytes
            .extend([lead, continuation(unit >> 6), continuation(unit)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_units(units: &[u16]) -> Vec<u8> {
        let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let mut arguments = Vec::new();
        split(&bytes, &mut arguments);
        arguments
    }

    fn arguments(text: &str) -> Vec<String> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let text = String::from_utf8(split_units(&units)).unwrap();
        let text = text.strip_suffix('\0');
        text.map_or(Vec::new(), |text| {
            text.split('\0').map(str::to_owned).collect()
        })
    }

    #[test]
    fn arguments_follow_documented_rules() {
        for (text, expected) in [
            ("", &[][..]),
            ("a.exe", &["a.exe"]),
            ("  a", &["", "a"]),
            (r#"x "a b c" d e"#, &["x", "a b c", "d", "e"]),
            (r#"x "ab\"c" "\\" d"#, &["x", r#"ab"c"#, r"\", "d"]),
            (r#"x a\\\b d"e f"g h"#, &["x", r"a\\\b", "de fg", "h"]),
            (r#"x a\\\"b c d"#, &["x", r#"a\"b"#, "c", "d"]),
            (r#"x a\\\\"b c" d e"#, &["x", r"a\\b c", "d", "e"]),
            (r#"x a"b"" c d"#, &["x", r#"ab" c d"#]),
            (
                r#""C:\Program Files\a.exe" "" é 🦀"#,
                &[r"C:\Program Files\a.exe", "", "é", "🦀"],
            ),
            (r#""C:\a b\" c"#, &[r"C:\a b\", "c"]),
            ("x\t y\t", &["x", "y"]),
            ("x y\0z", &["x", "y"]),
        ] {
            assert_eq!(arguments(text), expected, "{text:?}");
        }
    }

    #[test]
    fn unpaired_surrogates_are_kept() {
        let quote = QUOTE;
        assert_eq!(split_units(&[0xD83D]), b"\xED\xA0\xBD\0");
        assert_eq!(
            split_units(&[0xDCA9, 0xD83D, 0x61]),
            b"\xED\xB2\xA9\xED\xA0\xBDa\0"
        );
        assert_eq!(
            split_units(&[0xD83D, 0xD83D, 0xDCA9]),
            b"\xED\xA0\xBD\xF0\x9F\x92\xA9\0"
        );
        // A removed quote joins a pair.
        assert_eq!(split_units(&[0xD83D, quote, 0xDCA9]), b"\xF0\x9F\x92\xA9\0");
    }
}
