//! The elements of a picture, and how they are written as SVG.
//!
//! Lengths are points. A picture is as wide as the text of a page, so it is printed at its own
//! size.

use std::fmt::{self, Display, Write as _};

use super::metrics::{RIGHT, WIDTH};
use super::palette::Color;
use super::text::{self, FONT_FAMILY, width};

/// The width of text in a viewer's default font, relative to Arimo: at most that of DejaVu Sans.
const WIDEST_FONT: f64 = 1.25;

/// A picture.
#[derive(Debug)]
pub struct Scene {
    pub height: f64,
    /// One line about the content.
    pub title: String,
    /// Instructions for the reader of an HTML page.
    pub caption: &'static str,
    pub elements: Vec<Element>,
}

/// A part of a picture.
#[derive(Debug)]
pub enum Element {
    /// Elements with a common origin.
    Group {
        class: &'static str,
        position: (f64, f64),
        attributes: Attributes,
        elements: Vec<Element>,
    },
    /// A filled outline.
    Path {
        color: Color,
        outline: Outline,
        attributes: Attributes,
    },
    Text {
        color: Color,
        /// The start, middle or end of the baseline, as `align` selects.
        position: (f64, f64),
        size: f64,
        bold: bool,
        align: Align,
        /// The width that the text may have. It is squeezed if the viewer's font is too wide.
        room: f64,
        text: String,
    },
}

/// Names and values of additional SVG attributes, most of them `data-` attributes for scripts.
pub type Attributes = Vec<(&'static str, String)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Start,
    Middle,
    End,
}

impl Element {
    /// Creates small regular text that starts at a position, and ends within the picture.
    pub fn text(color: Color, position: (f64, f64), text: impl Into<String>) -> Self {
        Element::text_within(RIGHT - position.0, color, position, text)
    }

    /// Creates small regular text that starts at a position, with limited room.
    pub fn text_within(
        room: f64,
        color: Color,
        position: (f64, f64),
        text: impl Into<String>,
    ) -> Self {
        Element::Text {
            color,
            position,
            size: text::SMALL,
            bold: false,
            align: Align::Start,
            room,
            text: text.into(),
        }
    }

    /// Creates small regular text.
    pub fn small(
        color: Color,
        position: (f64, f64),
        align: Align,
        text: impl Into<String>,
    ) -> Self {
        Element::Text {
            color,
            position,
            size: text::SMALL,
            bold: false,
            align,
            room: f64::INFINITY,
            text: text.into(),
        }
    }

    pub fn path(color: Color, outline: Outline) -> Self {
        Element::Path {
            color,
            outline,
            attributes: Vec::new(),
        }
    }
}

/// The outline of a path, in SVG path syntax.
#[derive(Debug, Default, Clone)]
pub struct Outline(String);

impl Outline {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a rectangle.
    pub fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64) {
        // Writing to a String cannot fail.
        let _ = write!(
            self.0,
            "M{} {}h{}v{}h-{}z",
            Number(x),
            Number(y),
            Number(width),
            Number(height),
            Number(width)
        );
    }

    /// Adds a polygon.
    pub fn polygon(&mut self, corners: &[(f64, f64)]) {
        for (index, &(x, y)) in corners.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(self.0, "{command}{} {}", Number(x), Number(y));
        }
        self.0.push('z');
    }
}

/// A length that is printed with at most three decimals.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 1000.0).round() / 1000.0)
    }
}

/// Text with XML escapes, for content and for quoted attribute values.
///
/// Callers have already escaped control characters. Other characters that XML cannot represent
/// become U+FFFD.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}'),
            _ => f.write_char(character),
        })
    }
}

/// The place that SVG is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SvgTarget {
    /// A separate file, which declares the SVG namespace.
    File,
    /// An HTML page, where the namespace is implied.
    Page,
}

impl Scene {
    /// Returns the picture as SVG.
    ///
    /// Colors are attributes. Programs without style sheets understand them, and a style sheet can
    /// override them.
    pub fn svg(&self, target: SvgTarget) -> String {
        let mut svg = String::new();
        let namespace = match target {
            SvgTarget::File => r#" xmlns="http://www.w3.org/2000/svg""#,
            SvgTarget::Page => "",
        };
        let (width, height) = (Number(WIDTH), Number(self.height));
        let _ = write!(
            svg,
            "<svg{namespace} width=\"{width}pt\" height=\"{height}pt\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"{FONT_FAMILY}\">\n<title>{}</title>\n",
            Escaped(&self.title)
        );
        let mut background = Outline::default();
        background.rectangle(0.0, 0.0, WIDTH, self.height);
        push(&mut svg, &Element::path(Color::Background, background));
        for element in &self.elements {
            push(&mut svg, element);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn push(svg: &mut String, element: &Element) {
    match element {
        Element::Group {
            class,
            position: (x, y),
            attributes,
            elements,
        } => {
            let (x, y) = (Number(*x), Number(*y));
            let _ = write!(svg, "<g class=\"{class}\" transform=\"translate({x} {y})\"");
            push_attributes(svg, attributes);
            svg.push_str(">\n");
            for element in elements {
                push(svg, element);
            }
            svg.push_str("</g>\n");
        }
        Element::Path {
            color,
            outline,
            attributes,
        } => {
            let _ = write!(
                svg,
                "<path class=\"{}\" fill=\"{}\"",
                color.class(),
                color.light()
            );
            push_attributes(svg, attributes);
            let _ = writeln!(svg, " d=\"{}\"/>", outline.0);
        }
        Element::Text {
            color,
            position: (x, y),
            size,
            bold,
            align,
            room,
            text,
        } => {
            let (x, y, size) = (Number(*x), Number(*y), Number(*size));
            let _ = write!(
                svg,
                "<text class=\"{}\" fill=\"{}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"",
                color.class(),
                color.light()
            );
            if *bold {
                svg.push_str(" font-weight=\"bold\"");
            }
            svg.push_str(match align {
                Align::Start => "",
                Align::Middle => " text-anchor=\"middle\"",
                Align::End => " text-anchor=\"end\"",
            });
            let width = width(text, size.0, *bold);
            if width * WIDEST_FONT > *room {
                let width = Number(width.min(*room));
                let _ = write!(
                    svg,
                    " textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\""
                );
            }
            let _ = writeln!(svg, ">{}</text>", Escaped(text));
        }
    }
}

fn push_attributes(svg: &mut String, attributes: &Attributes) {
    for (name, value) in attributes {
        let _ = write!(svg, " {name}=\"{}\"", Escaped(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_text_is_squeezed() {
        for (text, room, squeezed) in [("0000", 30.0, false), ("0000", 24.0, true)] {
            let text = Element::text_within(room, Color::Text, (0.0, 0.0), text);
            let mut svg = String::new();
            push(&mut svg, &text);
            // Four digits of Arimo at 9 points are 20.02 points wide.
            assert_eq!(svg.contains(" textLength=\"20.021\""), squeezed, "{svg}");
            assert_eq!(svg.contains("lengthAdjust"), squeezed, "{svg}");
        }
    }
}
