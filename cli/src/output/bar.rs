//! Bars: shares of a whole, drawn as blocks that are distinguishable even without color.

use anstyle::AnsiColor;

use super::style::Style;
use super::value::Part;

/// The width of a full bar in characters.
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

/// Appends a bar and returns its width. The ends of the parts are rounded rather than their
/// lengths, so that rounding errors do not add up.
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
    fn parts_are_proportional_to_shares() {
        let whole = [
            (Part::Private, 0.25),
            (Part::Files, 0.5),
            (Part::Free, 0.25),
        ];
        assert_eq!(bar(&whole), "██████░░░░░░░░░░░░······");
        assert_eq!(bar(&[(Part::Private, 0.0)]), "");
        // Each part is a sixth of a character; the three together round up to a whole one.
        let slivers = [(Part::Private, 1.0 / 144.0); 3];
        assert_eq!(bar(&slivers), "█");
    }

    #[test]
    fn shares_above_one_fill_bar() {
        assert_eq!(
            bar(&[(Part::Private, 7.0), (Part::Free, -6.0)])
                .chars()
                .count(),
            24
        );
    }
}
