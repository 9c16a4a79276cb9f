//! Text in pictures: how wide it is, and how it is made to fit.

use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use unicode_width::UnicodeWidthChar as _;

/// The font that PNGs are drawn with.
pub const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Arimo-Regular.ttf");
pub const BOLD: &[u8] = include_bytes!("../../assets/fonts/Arimo-Bold.ttf");

/// The fonts that a viewer may take: as wide as Arimo, but for the last, which is what a viewer has.
/// That may be a fifth wider: what must not be cut off, nor run into something else, leaves room for it.
pub const FAMILY: &str =
    "Arimo, 'Liberation Sans', Arial, Helvetica, 'Nimbus Sans', FreeSans, sans-serif";

/// The smallest text in a picture, in points.
pub const SMALL: f64 = 9.0;

/// A font's advance widths, in parts of its size.
struct Widths {
    of: Box<dyn Fn(char) -> Option<f32> + Send + Sync>,
}

impl Widths {
    fn new(font: &'static [u8]) -> Self {
        let font = FontRef::new(font).expect("the font is part of the program");
        let map = font.charmap();
        let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
        Widths {
            of: Box::new(move |character| metrics.advance_width(map.map(character)?)),
        }
    }
}

static WIDTHS: LazyLock<[Widths; 2]> = LazyLock::new(|| [Widths::new(REGULAR), Widths::new(BOLD)]);

/// How wide a text is, in points.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let widths = &WIDTHS[usize::from(bold)];
    let width = |character: char| match (widths.of)(character) {
        Some(width) => f64::from(width),
        // Another font has it: one that is not narrow.
        None => character.width().unwrap_or(0) as f64,
    };
    text.chars().map(width).sum::<f64>() * size
}

/// Which part of a text that is too long says least.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    Middle,
    End,
}

/// The text, cut with `…` so that it is no wider than that.
pub fn fit(text: &str, room: f64, size: f64, bold: bool, cut: Cut) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let room = room - width("…", size, bold);
    let mut buffer = [0; 4];
    let mut wide = |character: char| width(character.encode_utf8(&mut buffer), size, bold);
    let (front_room, back_room) = match cut {
        Cut::Middle => (room / 2.0, room / 2.0),
        Cut::End => (room, 0.0),
    };
    let mut taken = 0.0;
    let front = text.char_indices().find(|&(_, character)| {
        taken += wide(character);
        taken > front_room
    });
    let front = &text[..front.map_or(text.len(), |(index, _)| index)];
    taken = 0.0;
    let back = text.char_indices().rev().find(|&(_, character)| {
        taken += wide(character);
        taken > back_room
    });
    let back = back.map_or(0, |(index, character)| index + character.len_utf8());
    format!("{front}…{}", &text[back.max(front.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        // From its table of widths: 1139 of 2048 for a digit, 1479 for a bold A.
        assert!((width("0000", 10.0, false) - 40.0 * 1139.0 / 2048.0).abs() < 0.01);
        assert!((width("A", 10.0, true) - 10.0 * 1479.0 / 2048.0).abs() < 0.01);
        assert_eq!(width("漢", 10.0, false), 20.0);
    }

    #[test]
    fn what_is_too_long_is_cut_where_it_says_least() {
        let digits = width("00000", 9.0, false) + width("…", 9.0, false);
        assert_eq!(fit("01234", digits, 9.0, false, Cut::End), "01234");
        assert_eq!(fit("0123456789", digits, 9.0, false, Cut::End), "01234…");
        assert_eq!(fit("0123456789", digits, 9.0, false, Cut::Middle), "01…89");
        assert_eq!(fit("0123456789", 0.0, 9.0, false, Cut::Middle), "…");
    }
}
