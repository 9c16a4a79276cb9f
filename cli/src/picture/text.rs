//! Measures text in pictures and shortens it to fit.

use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use unicode_width::UnicodeWidthChar as _;

/// The fonts for rendering PNGs and for measuring text.
pub const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Arimo-Regular.ttf");
pub const BOLD: &[u8] = include_bytes!("../../assets/fonts/Arimo-Bold.ttf");

/// The fonts for viewers of SVG.
///
/// All have the widths of Arimo, except the last: a viewer's default font can be a fifth wider.
/// Text that would then exceed its room is squeezed.
pub const FONT_FAMILY: &str =
    "Arimo, 'Liberation Sans', Arial, Helvetica, 'Nimbus Sans', FreeSans, sans-serif";

/// The size of the smallest text, in points.
pub const SMALL: f64 = 9.0;

/// The advance widths of a font, relative to the font size.
struct Widths {
    advance: Box<dyn Fn(char) -> Option<f32> + Send + Sync>,
}

impl Widths {
    fn new(font: &'static [u8]) -> Self {
        let font = FontRef::new(font).expect("the embedded font is valid");
        let map = font.charmap();
        let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
        Widths {
            advance: Box::new(move |character| metrics.advance_width(map.map(character)?)),
        }
    }
}

static WIDTHS: LazyLock<[Widths; 2]> = LazyLock::new(|| [Widths::new(REGULAR), Widths::new(BOLD)]);

/// Returns the width of a text in points.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let widths = &WIDTHS[usize::from(bold)];
    let width = |character: char| match (widths.advance)(character) {
        Some(width) => f64::from(width),
        // Another font supplies the character. Assume a wide one.
        None => character.width().unwrap_or(0) as f64,
    };
    text.chars().map(width).sum::<f64>() * size
}

/// The part of a long text that can be omitted.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    Middle,
    End,
}

/// Shortens a text with `…` to a maximum width in points.
pub fn fit(text: &str, max_width: f64, size: f64, bold: bool, cut: Cut) -> String {
    if width(text, size, bold) <= max_width {
        return text.to_owned();
    }
    let left = max_width - width("…", size, bold);
    let mut buffer = [0; 4];
    let mut char_width = |character: char| width(character.encode_utf8(&mut buffer), size, bold);
    let (front_width, back_width) = match cut {
        Cut::Middle => (left / 2.0, left / 2.0),
        Cut::End => (left, 0.0),
    };
    let mut taken = 0.0;
    let front = text.char_indices().find(|&(_, character)| {
        taken += char_width(character);
        taken > front_width
    });
    let front = &text[..front.map_or(text.len(), |(index, _)| index)];
    taken = 0.0;
    let back = text.char_indices().rev().find(|&(_, character)| {
        taken += char_width(character);
        taken > back_width
    });
    let back = back.map_or(0, |(index, character)| index + character.len_utf8());
    format!("{front}…{}", &text[back.max(front.len())..])
}

/// Returns a number and a noun, in the plural if necessary.
pub fn count_noun(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_uses_font_metrics() {
        // The font's `hmtx` table has 1139 of 2048 units for a digit and 1479 for a bold A.
        assert!((width("0000", 10.0, false) - 40.0 * 1139.0 / 2048.0).abs() < 0.01);
        assert!((width("A", 10.0, true) - 10.0 * 1479.0 / 2048.0).abs() < 0.01);
        assert_eq!(width("漢", 10.0, false), 20.0);
    }

    #[test]
    fn fit_shortens_long_text() {
        let digits = width("00000", 9.0, false) + width("…", 9.0, false);
        assert_eq!(fit("01234", digits, 9.0, false, Cut::End), "01234");
        assert_eq!(fit("0123456789", digits, 9.0, false, Cut::End), "01234…");
        assert_eq!(fit("0123456789", digits, 9.0, false, Cut::Middle), "01…89");
        assert_eq!(fit("0123456789", 0.0, 9.0, false, Cut::Middle), "…");
    }
}
