//! Bars: shares of a whole, drawn as blocks that differ without colour, too.

use anstyle::AnsiColor;

use super::style::Style;
use super::value::Part;

/// How many characters a full bar takes.
const WIDTH: usize = 24;

impl Part {
    const fn glyph(self) -> char {
        match self {
            Part::Private => '█',
            Part::Shared => '▓',
            Part::Files => '░',
            Part::Free => '·',
        }
    }

    fn style(self) -> anstyle::Style {
        match self {
            Part::Private => AnsiColor::BrightBlue.on_default(),
            Part::Shared => AnsiColor::Magenta.on_default(),
            Part::Files => AnsiColor::Cyan.on_default(),
            Part::Free => anstyle::Style::new().dimmed(),
        }
    }
}

/// Appends a bar; returns its width. Where shares do not come out even, it is the ends of the
/// parts that are rounded, so that the bar is as long as its parts together.
pub fn push_bar(text: &mut String, parts: &[(Part, f64)], style: Style) -> usize {
    let (mut sum, mut drawn) = (0.0, 0);
    for &(part, share) in parts {
        sum += share;
        let end = ((sum * WIDTH as f64).round() as usize).min(WIDTH);
        let length = end.saturating_sub(drawn);
        if length > 0 {
            style.paint(text, part.style(), |text| {
                text.extend(std::iter::repeat_n(part.glyph(), length));
            });
        }
        drawn = drawn.max(end);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(parts: &[(Part, f64)]) -> String {
        let mut text = String::new();
        let width = push_bar(&mut text, parts, Style::default());
        assert_eq!(width, text.chars().count());
        text
    }

    #[test]
    fn parts_are_as_long_as_their_shares() {
        let whole = [
            (Part::Private, 0.25),
            (Part::Files, 0.5),
            (Part::Free, 0.25),
        ];
        assert_eq!(bar(&whole), "██████░░░░░░░░░░░░······");
        assert_eq!(bar(&[(Part::Private, 0.0)]), "");
        // Three times a sixth of a character is half of one.
        let slivers = [(Part::Private, 1.0 / 144.0); 3];
        assert_eq!(bar(&slivers), "█");
    }

    #[test]
    fn shares_beyond_the_whole_fill_it() {
        assert_eq!(
            bar(&[(Part::Private, 7.0), (Part::Free, -6.0)])
                .chars()
                .count(),
            24
        );
    }
}
